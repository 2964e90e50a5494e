#include "faults.h"

#include <ucontext.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "block.h"
#include "memory.h"

namespace emulated {

namespace {

constexpr int SIGNALS[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};

const void* place_of(void* context) {
#if defined(__x86_64__)
  return reinterpret_cast<const void*>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return reinterpret_cast<const void*>(static_cast<ucontext_t*>(context)->uc_mcontext.pc);
#else
  static_cast<void>(context);
  return nullptr;
#endif
}

void handle(int number, siginfo_t* info, void* context) {
  if (!running) {
    signal(number, SIG_DFL);
    return;  // Happens again at once, and then ends the process.
  }
  const void* site = place_of(context);
  if (number == SIGFPE) fail(Failure::launch_failed, site, "divides an integer by zero");
  if (number == SIGILL) fail(Failure::launch_failed, site, "reaches code that cannot be reached");
  if (running->fiber && running->fiber->overflowed_at(info->si_addr)) fail_for_stack(site);
  fail(Failure::illegal_address, site, "touches %s", describe_address(reinterpret_cast<uintptr_t>(info->si_addr)));
}

/** A stack for the handler: that of the thread may be what overflowed. Made once for every thread of the process. */
void provide_stack() {
  static thread_local char* memory = nullptr;
  if (memory) return;
  constexpr size_t BYTES = 64 * 1024;
  stack_t present;
  if (sigaltstack(nullptr, &present) == 0 && !(present.ss_flags & SS_DISABLE) && present.ss_size >= BYTES) return;
  memory = static_cast<char*>(malloc(BYTES));
  stack_t stack{};
  stack.ss_sp = memory;
  stack.ss_size = BYTES;
  sigaltstack(&stack, nullptr);
}

}  // namespace

FaultGuard::FaultGuard() {
  provide_stack();
  struct sigaction action {};
  action.sa_sigaction = handle;
  // The handler never returns, so the signal must not stay blocked.
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (size_t i = 0; i < 4; i++) sigaction(SIGNALS[i], &action, &before_[i]);
}

FaultGuard::~FaultGuard() {
  for (size_t i = 0; i < 4; i++) sigaction(SIGNALS[i], &before_[i], nullptr);
}

}  // namespace emulated
