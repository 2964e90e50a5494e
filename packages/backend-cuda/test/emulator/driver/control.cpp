/** What tests ask of the emulator itself. Not part of CUDA. */
#include <cstring>

#include "../runtime/memory.h"
#include "../runtime/options.h"
#include "state.h"

using namespace emulated;

/** Changes an option: the name of its variable without QSPARSE_EMULATED_. 0: no such option or value. */
EXPORT int qsparseEmulatedSet(const char* name, const char* value) {
  const std::lock_guard lock(state().mutex);
  return set_option(name, value);
}

/**
 * How many of these there are: allocations, hostAllocations, bytes, contexts, streams, events, modules, functions, graphs,
 * graphExecs; launches: so far. -1: no such thing.
 */
EXPORT double qsparseEmulatedCount(const char* what) {
  const std::lock_guard lock(state().mutex);
  const auto is = [&](const char* name) { return strcmp(what, name) == 0; };
  if (is("streams")) return static_cast<double>(state().streams.size());
  if (is("events")) return static_cast<double>(state().events.size());
  if (is("modules")) return static_cast<double>(state().modules.size());
  if (is("functions")) return static_cast<double>(state().functions.size());
  if (is("graphs")) return static_cast<double>(state().graphs.size());
  if (is("graphExecs")) return static_cast<double>(state().graph_execs.size());
  if (is("allocations")) return static_cast<double>(allocation_count(MemoryKind::device));
  if (is("hostAllocations")) return static_cast<double>(allocation_count(MemoryKind::host));
  if (is("bytes")) return static_cast<double>(device_bytes_in_use());
  if (is("contexts")) return state().context.retained;
  if (is("launches")) return static_cast<double>(state().launches);
  return -1;
}

/** Why the last launch failed; '' when none did. */
EXPORT const char* qsparseEmulatedFailure() { return failure_text(); }

/** Everything as after loading the library, but for its options: what a new process would see. */
EXPORT void qsparseEmulatedReset() {
  const std::lock_guard lock(state().mutex);
  state().streams.clear();
  state().events.clear();
  state().functions.clear();
  state().modules.clear();
  state().graphs.clear();
  state().graph_execs.clear();
  state().context.retained = 0;
  state().initialised = false;
  state().sticky = 0;
  has_current_context = false;
  release_everything();
}
