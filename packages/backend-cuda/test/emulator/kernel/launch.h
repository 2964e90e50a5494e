/** A kernel, and what one of its threads can ask about its launch. */
#pragma once

#if defined(__clang__)
#define CONVERGENT __attribute__((convergent))
#else
#define CONVERGENT
#endif

namespace emulated {

struct Dimensions {
  unsigned x, y, z;
};

/** A kernel as KERNEL() declares it. */
struct Kernel {
  const char* name;
  const char* module;
  unsigned threads;
  unsigned argument_bytes;
  unsigned argument_alignment;
  void (*enter)(const void* arguments);
};

struct Registration {
  explicit Registration(const Kernel& kernel);
};

// These never change while a thread runs.
__attribute__((const)) Dimensions thread_index();
__attribute__((const)) Dimensions block_index();
__attribute__((const)) Dimensions block_size();
__attribute__((const)) Dimensions grid_size();
__attribute__((const)) unsigned char* dynamic_shared();

/** Ends the launch with an error. */
[[noreturn]] void trap();

}  // namespace emulated
