/** Turns a signal that a kernel causes (a bad address, a division by zero) into a failed launch. */
#pragma once
#include <csignal>

namespace emulated {

/** Signals are ours while one of these lives; afterwards they are again whose they were. */
class FaultGuard {
 public:
  FaultGuard();
  ~FaultGuard();
  FaultGuard(const FaultGuard&) = delete;
  FaultGuard& operator=(const FaultGuard&) = delete;

 private:
  struct sigaction before_[4];
};

}  // namespace emulated
