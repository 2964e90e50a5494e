/** A stack that a thread of a block runs on, and the switch from one to another. No operating-system threads. */
#pragma once
#include <cstddef>
#if !defined(__x86_64__) && !defined(__aarch64__)
#include <ucontext.h>
#endif

namespace emulated {

/** Bytes of a stack, and below it of what may not be touched: more than most functions put on a stack at once. */
constexpr size_t STACK_BYTES = 256 * 1024;
constexpr size_t GUARD_BYTES = 64 * 1024;

class Fiber {
 public:
  Fiber() = default;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  /** Makes the fiber start at `entry`, which never returns, when it is next switched to. Drops what ran on it. */
  void prepare(void (*entry)());
  /** Leaves the running fiber, `from`, and goes on with `to`. Returns when somebody switches back. */
  static void change(Fiber& from, Fiber& to);
  /** Whether an address is on the stack. */
  bool holds(const void* address) const {
    const char* at = static_cast<const char*>(address);
    return at >= stack_ && at < stack_ + STACK_BYTES;
  }
  /** Whether an address is right below the stack. */
  bool overflowed_at(const void* address) const {
    const char* at = static_cast<const char*>(address);
    return at < stack_ && at >= stack_ - GUARD_BYTES;
  }

 private:
  char* stack_ = nullptr;
#if defined(__x86_64__) || defined(__aarch64__)
  void* stack_pointer_ = nullptr;
#else
  ucontext_t context_;
#endif
};

}  // namespace emulated
