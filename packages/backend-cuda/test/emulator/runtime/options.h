/** What the emulator is told by QSPARSE_EMULATED_… variables, or later by qsparseEmulatedSet. */
#pragma once
#include <cstddef>
#include <cstdint>

namespace emulated {

enum class Order { forwards, backwards, random };

struct Options {
  Order order = Order::forwards;
  uint64_t seed = 0;
  /** Bytes of the device. */
  size_t memory = size_t{8} << 30;
  int driver_version = 13000;
  int devices = 1;
  /** 10 · major + minor. */
  int capability = 90;
  int multiprocessors = 4;
  /** Enqueued work waits until somebody asks for it. */
  bool late = false;
  /** A launch that failed spoils all later calls, as on a GPU; else only its own. */
  bool sticky = true;
  /** Failures are not printed, and keep addresses instead of lines of the sources: looking those up takes long. */
  bool quiet = false;
};

const Options& options();
/** Accesses of kernels are looked at. Beside the options, since every load and store asks. */
inline bool watching = true;
/** False: no such option, or not such a value. Names are those of the variables without QSPARSE_EMULATED_, any case. */
bool set_option(const char* name, const char* value);
/** The status that this call of a driver function must give instead of working; 0: none. */
int injected_failure(const char* function);

/** Prints a line for whoever reads the tests' output, unless options().quiet. */
__attribute__((format(printf, 1, 2))) void say(const char* format, ...);

/** Random bits of the seed; the same on every run. */
uint64_t random_bits();

}  // namespace emulated
