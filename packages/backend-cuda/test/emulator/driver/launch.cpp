/** Modules, kernels and their launches. */
#include <cstring>
#include <memory>

#include "../runtime/options.h"
#include "../runtime/registry.h"
#include "../runtime/shared.h"
#include "state.h"

using namespace emulated;

EXPORT int cuDeviceGetAttribute(int* value, int attribute, int device);

namespace {

constexpr char IMAGE[] = "EMULATED:";
constexpr int MAX_THREADS = 0;
constexpr int STATIC_SHARED = 1;
constexpr int REGISTERS = 4;
constexpr int PTX_VERSION = 5;
constexpr int MAX_DYNAMIC_SHARED = 8;
constexpr int SHARED_CARVEOUT = 9;

/** Dynamic shared memory that a block of this device may ask for. */
unsigned most_dynamic_shared() {
  int most = 0;
  cuDeviceGetAttribute(&most, 97, 0);
  return static_cast<unsigned>(most);
}

/** What a kernel may use of its own and dynamic shared memory together before it was allowed more. */
constexpr unsigned PLAIN_SHARED = 48 * 1024;

/** The most that a kernel's own variables can be: those of its file, and never more than nvcc takes. */
unsigned static_shared(const Function& function) {
  const size_t of_file = shared_variables(function.module->name.c_str()).bytes;
  return of_file < PLAIN_SHARED ? static_cast<unsigned>(of_file) : PLAIN_SHARED;
}

/** 10 · major + minor. */
int capability() {
  int major = 0, minor = 0;
  cuDeviceGetAttribute(&major, 75, 0);
  cuDeviceGetAttribute(&minor, 76, 0);
  return 10 * major + minor;
}

/** CUlaunchConfig and CUlaunchAttribute. */
struct LaunchAttribute {
  int id;
  int padding;
  int value;
  char rest[60];
};
struct LaunchConfig {
  unsigned grid[3], block[3], shared;
  Stream* stream;
  const LaunchAttribute* attributes;
  unsigned count;
};
static_assert(sizeof(LaunchConfig) == 56 && sizeof(LaunchAttribute) == 72);
constexpr int PROGRAMMATIC_SERIALIZATION = 6;

/** A copy of a launch's arguments that lives as long as the work which needs it. Aligned for any struct. */
std::shared_ptr<uint64_t[]> copy_arguments(const void* from, size_t bytes) {
  std::shared_ptr<uint64_t[]> copy(new uint64_t[bytes / 8 + 1]());
  memcpy(copy.get(), from, bytes);
  return copy;
}

/** The argument struct of a launch in either form; null: wrong, and said so. */
const void* arguments_of(const Call& call, const Kernel& kernel, void* const* params, void* const* extra) {
  if (params) {
    if (!params[0]) call.wrong(INVALID_VALUE, "%s: kernelParams[0] is null", kernel.name);
    return params[0];
  }
  const void* buffer = nullptr;
  size_t bytes = 0;
  for (size_t i = 0; extra && extra[i]; i += 2) {
    if (reinterpret_cast<uintptr_t>(extra[i]) == 1) buffer = extra[i + 1];
    if (reinterpret_cast<uintptr_t>(extra[i]) == 2) bytes = *static_cast<const size_t*>(extra[i + 1]);
  }
  if (buffer && bytes == kernel.argument_bytes) return buffer;
  call.wrong(INVALID_VALUE, "%s takes %u bytes of arguments, got %zu", kernel.name, kernel.argument_bytes, bytes);
  return nullptr;
}

}  // namespace

EXPORT int cuModuleLoadData(Module** module, const char* image) {
  BEGIN(call, Needs::context);
  if (const int status = refuse_in_capture()) return status;
  if (!image || strncmp(image, IMAGE, sizeof IMAGE - 1) != 0)
    return call.wrong(INVALID_IMAGE, "an image must be the text EMULATED:<name of a .cu file>");
  const char* name = image + sizeof IMAGE - 1;
  if (!has_module(name)) return call.wrong(INVALID_IMAGE, "the emulator was built without %s.cu", name);
  *module = state().modules.add(new Module{name});
  return SUCCESS;
}

EXPORT int cuModuleLoadDataEx(Module** module, const char* image, unsigned, int*, void**) {
  return cuModuleLoadData(module, image);
}

EXPORT int cuModuleUnload(Module* module) {
  BEGIN(call, Needs::context);
  if (!state().modules.has(module)) return INVALID_HANDLE;
  const std::vector<Function*> all = state().functions.all();
  for (Function* function : all)
    if (function->module == module) state().functions.remove(function);
  state().modules.remove(module);
  return SUCCESS;
}

EXPORT int cuModuleGetFunction(Function** function, const Module* module, const char* name) {
  BEGIN(call, Needs::context);
  if (!state().modules.has(module)) return INVALID_HANDLE;
  const Kernel* kernel = find_kernel(module->name.c_str(), name);
  if (!kernel) return call.wrong(NOT_FOUND, "%s.cu has no KERNEL(%s)", module->name.c_str(), name);
  *function = state().functions.add(new Function{module, kernel});
  return SUCCESS;
}

EXPORT int cuFuncSetAttribute(Function* function, int attribute, int value) {
  BEGIN(call, Needs::context);
  if (!state().functions.has(function)) return INVALID_HANDLE;
  if (attribute == SHARED_CARVEOUT) return SUCCESS;
  if (attribute != MAX_DYNAMIC_SHARED) return call.wrong(INVALID_VALUE, "attribute %d cannot be set", attribute);
  if (value < 0 || static_cast<unsigned>(value) > most_dynamic_shared()) {
    return call.wrong(INVALID_VALUE, "%s: %d bytes of shared memory, this device has %u", function->kernel->name,
                      value, most_dynamic_shared());
  }
  function->most_dynamic_shared = static_cast<unsigned>(value);
  return SUCCESS;
}

EXPORT int cuFuncGetAttribute(int* value, int attribute, const Function* function) {
  BEGIN(call, Needs::context);
  if (!state().functions.has(function)) return INVALID_HANDLE;
  switch (attribute) {
    case MAX_THREADS: *value = static_cast<int>(function->kernel->threads); break;
    case STATIC_SHARED: *value = static_cast<int>(static_shared(*function)); break;
    case REGISTERS: *value = 32; break;
    // Code for this very device.
    case PTX_VERSION: *value = capability(); break;
    case MAX_DYNAMIC_SHARED: *value = static_cast<int>(function->most_dynamic_shared); break;
    default: return call.wrong(INVALID_VALUE, "the emulator has no attribute %d", attribute);
  }
  return SUCCESS;
}

EXPORT int cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const Function* function, int threads,
                                                       size_t shared) {
  BEGIN(call, Needs::context);
  if (!state().functions.has(function) || threads < 1) return INVALID_VALUE;
  const int by_threads = 2048 / threads;
  const int by_shared = shared == 0 ? 32 : static_cast<int>(most_dynamic_shared() / shared);
  *blocks = by_threads < by_shared ? by_threads : by_shared;
  return SUCCESS;
}

EXPORT int cuLaunchKernel(const Function* function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                          unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared, Stream* stream,
                          void* const* params, void* const* extra) {
  BEGIN(call, Needs::context);
  if (!state().functions.has(function) || (stream && !state().streams.has(stream))) return INVALID_HANDLE;
  const Kernel& kernel = *function->kernel;
  if (grid_x < 1 || grid_x > 0x7fffffff || grid_y < 1 || grid_y > 65535 || grid_z < 1 || grid_z > 65535)
    return call.wrong(INVALID_VALUE, "%s: grid of %u x %u x %u blocks", kernel.name, grid_x, grid_y, grid_z);
  const uint64_t threads = uint64_t{block_x} * block_y * block_z;
  if (threads < 1 || threads > kernel.threads || block_z > 64) {
    return call.wrong(INVALID_VALUE, "%s: a block of %u x %u x %u threads, KERNEL() allows %u", kernel.name, block_x,
                      block_y, block_z, kernel.threads);
  }
  const unsigned allowed = function->most_dynamic_shared;
  if (shared > 0 && (allowed == 0 ? shared + static_shared(*function) > PLAIN_SHARED : shared > allowed)) {
    return call.wrong(INVALID_VALUE, "%s: %u bytes of dynamic shared memory beside %u of its file's, it was allowed %u",
                      kernel.name, shared, static_shared(*function), allowed ? allowed : PLAIN_SHARED);
  }
  const void* arguments = arguments_of(call, kernel, params, extra);
  if (!arguments) return INVALID_VALUE;
  const auto copy = copy_arguments(arguments, kernel.argument_bytes);
  const Launch launch{&kernel, {grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, shared, copy.get()};
  return enqueue(stream, {kernel.name, [launch, copy]() -> int {
                            state().launches++;
                            return static_cast<int>(run(launch));
                          }});
}

/** Launches come one after the other here, whatever they may do. */
EXPORT int cuLaunchKernelEx(const LaunchConfig* config, const Function* function, void* const* params,
                            void* const* extra) {
  BEGIN(call, Needs::context);
  for (unsigned i = 0; i < config->count; i++) {
    const LaunchAttribute& attribute = config->attributes[i];
    if (attribute.id != PROGRAMMATIC_SERIALIZATION || attribute.value != 1)
      return call.wrong(INVALID_VALUE, "launch attribute %d with value %d", attribute.id, attribute.value);
    if (capability() < 90) return call.wrong(INVALID_VALUE, "launches are not placed early before 9.0");
  }
  const unsigned *grid = config->grid, *block = config->block;
  return cuLaunchKernel(function, grid[0], grid[1], grid[2], block[0], block[1], block[2], config->shared,
                        config->stream, params, extra);
}
