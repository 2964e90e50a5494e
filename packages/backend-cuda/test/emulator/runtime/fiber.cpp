#include "fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace emulated {

namespace {

/** Stacks do not start at the same offset of a page: they would share the same lines of the cache. */
size_t stagger() {
  static size_t made = 0;
  return made++ % 61 * 64;
}

char* new_stack() {
  void* memory = mmap(nullptr, GUARD_BYTES + STACK_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED || mprotect(memory, GUARD_BYTES, PROT_NONE) != 0) {
    perror("[emulator] no memory for the stack of a thread");
    abort();
  }
  return static_cast<char*>(memory) + GUARD_BYTES;
}

}  // namespace

#if defined(__x86_64__) || defined(__aarch64__)

// emulated_change(void** save, void* load): keeps the registers that a call must keep on the stack, and swaps stacks.
#if defined(__x86_64__)
asm(R"(
.text
.p2align 4
.hidden emulated_change
.globl emulated_change
.type emulated_change, @function
emulated_change:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  popq %rcx
  jmpq *%rcx
.size emulated_change, .-emulated_change
)");
constexpr size_t SAVED_WORDS = 8;  // six registers, where to go on, and a return address that is never used
constexpr size_t ENTRY_WORD = 6;
#else
asm(R"(
.text
.p2align 4
.hidden emulated_change
.globl emulated_change
.type emulated_change, %function
emulated_change:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size emulated_change, .-emulated_change
)");
constexpr size_t SAVED_WORDS = 20;
constexpr size_t ENTRY_WORD = 11;
#endif

extern "C" void emulated_change(void** save, void* load);

void Fiber::prepare(void (*entry)()) {
  if (!stack_) stack_ = new_stack();
  auto* top = reinterpret_cast<uintptr_t*>(stack_ + STACK_BYTES - stagger());
  for (size_t word = 1; word <= SAVED_WORDS; word++) top[-static_cast<ptrdiff_t>(word)] = 0;
  auto* frame = top - SAVED_WORDS;
  frame[ENTRY_WORD] = reinterpret_cast<uintptr_t>(entry);
  stack_pointer_ = frame;
}

void Fiber::change(Fiber& from, Fiber& to) { emulated_change(&from.stack_pointer_, to.stack_pointer_); }

#else

void Fiber::prepare(void (*entry)()) {
  if (!stack_) stack_ = new_stack();
  getcontext(&context_);
  context_.uc_stack.ss_sp = stack_;
  context_.uc_stack.ss_size = STACK_BYTES - stagger();
  context_.uc_link = nullptr;
  makecontext(&context_, entry, 0);
}

void Fiber::change(Fiber& from, Fiber& to) { swapcontext(&from.context_, &to.context_); }

#endif

}  // namespace emulated
