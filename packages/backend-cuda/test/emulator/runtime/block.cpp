#include "block.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>

#include "barrier.h"
#include "checks.h"
#include "collective.h"
#include "copies.h"
#include "faults.h"
#include "grid.h"
#include "options.h"
#include "report.h"
#include "shared.h"

namespace emulated {

Block block;
Thread* running = nullptr;

namespace {

std::vector<std::unique_ptr<Fiber>> fibers;
std::vector<Fiber*> idle;
Fiber host;
Fiber* current;

Failure failure;
const void* failure_site;
char sentence[2000];
std::string last_failure;

void run_threads();

Fiber* idle_fiber() {
  if (idle.empty()) {
    fibers.push_back(std::make_unique<Fiber>());
    fibers.back()->prepare(run_threads);
    return fibers.back().get();
  }
  Fiber* fiber = idle.back();
  idle.pop_back();
  return fiber;
}

void change_to(Fiber* to) {
  Fiber* from = current;
  current = to;
  Fiber::change(*from, *to);
}

/** Leaves the block for good; what its fibers did is forgotten. */
[[noreturn]] void abandon() {
  change_to(&host);
  __builtin_unreachable();
}

/** The next thread in turn. Ends the launch where all wait for ever. */
Thread* next_thread(unsigned warp) {
  if (block.ready.empty()) {
    failure = Failure::launch_failed;
    failure_site = nullptr;
    running = nullptr;
    abandon();
  }
  return &block.all[block.ready.take(warp)];
}

void end_thread(Thread& thread) {
  finish_copies(thread);
  block.warps[thread.warp()].absent |= 1u << thread.lane();
  block.alive--;
  release_warp_without(thread);
  release_barrier_without(thread);
}

/** What every fiber does: runs threads from their first line to their last, one after the other. */
void run_threads() {
  for (;;) {
    Thread* self = running;
    self->fiber = current;
    block.launch.kernel->enter(block.launch.arguments);
    self->fiber = nullptr;
    end_thread(*self);
    if (block.alive == 0) {
      checks::end_block();
      idle.push_back(current);
      change_to(&host);
      continue;
    }
    running = next_thread(self->warp());
    if (!running->fiber) continue;
    idle.push_back(current);
    change_to(running->fiber);
  }
}

/** Threads, warps and shared memory as they are before the first line. */
void begin_block(Dimensions index) {
  block.index = index;
  block.alive = block.threads;
  for (unsigned first = 0; first < block.threads; first += LANES) {
    const unsigned count = block.threads - first;
    const uint32_t lanes = count >= LANES ? FULL_MASK : (1u << count) - 1;
    block.warps[first / LANES].absent = ~lanes;
    block.ready.add(first / LANES, lanes);
  }
  poison_shared();
  checks::begin_block();
}

void begin_launch(const Launch& launch) {
  const Dimensions size = launch.block;
  block.launch = launch;
  block.threads = size.x * size.y * size.z;
  block.variables = shared_variables(launch.kernel->module);
  block.dynamic = dynamic_variables(launch.shared_bytes);
  for (unsigned number = 0; number < block.threads; number++) {
    Thread& thread = block.all[number];
    thread.index = {number % size.x, number / size.x % size.y, number / size.x / size.y};
    thread.number = number;
  }
  checks::begin_launch();
}

/** After a failure: fibers that stopped in the middle start anew. */
void clean_up() {
  block.ready = ReadySet{};
  for (Warp& warp : block.warps) warp.groups.clear();
  for (Thread& thread : block.all) {
    thread.fiber = nullptr;
    thread.copies.clear();
    thread.groups.clear();
  }
  reset_barrier();
  idle.clear();
  for (const auto& fiber : fibers) {
    fiber->prepare(run_threads);
    idle.push_back(fiber.get());
  }
}

void report_failure() {
  const std::string what = running ? std::string(sentence) : describe_deadlock();
  last_failure = describe_place(running, failure_site) + what;
  say("%s", last_failure.c_str());
}

}  // namespace

void wait(const char* what, const void* site) {
  Thread* self = running;
  self->waits_for = what;
  self->site = site;
  running = next_thread(self->warp());
  change_to(running->fiber ? running->fiber : idle_fiber());
}

void fail(Failure kind, const void* site, const char* format, ...) {
  va_list values;
  va_start(values, format);
  vsnprintf(sentence, sizeof sentence, format, values);
  va_end(values);
  failure = kind;
  failure_site = site;
  abandon();
}

void fail_for_stack(const void* site) {
  fail(Failure::launch_failed, site, "needs more than %zu KiB of stack", STACK_BYTES / 1024);
}

Failure run(const Launch& launch) {
  begin_launch(launch);
  failure = Failure::none;
  const FaultGuard guard;
  for (BlockOrder order(launch.grid); order.more() && failure == Failure::none; order.advance()) {
    begin_block(order.index());
    running = next_thread(0);
    current = &host;
    change_to(idle_fiber());
  }
  if (failure != Failure::none) {
    report_failure();
    clean_up();
  }
  running = nullptr;
  return failure;
}

const char* failure_text() { return last_failure.c_str(); }

[[noreturn]] void trap() { fail(Failure::launch_failed, __builtin_return_address(0), "__trap()"); }

Dimensions thread_index() { return running->index; }
Dimensions block_index() { return block.index; }
Dimensions block_size() { return block.launch.block; }
Dimensions grid_size() { return block.launch.grid; }
unsigned char* dynamic_shared() { return block.dynamic.begin; }

}  // namespace emulated
