/*
 * The thread pool: all instances of the module share one memory, so the statics below are seen by every thread.
 * The caller's thread is thread 0; each worker sits in work(). A launch is: publish kernel and arguments, bump the
 * epoch, run the own share, wait for the others. Waiting spins a bounded number of turns, then sleeps; while a program
 * runs it spins longer than its serial kernels take, since being woken costs more than most of them.
 * Nothing here allocates, and nothing waits for ever: a thread that does not answer ends in a status for JavaScript.
 */
#include "kernel.h"

#include <stdatomic.h>
#include <wasm_simd128.h>

#define EXPORT(name) __attribute__((export_name(#name)))
#define LINE 64

typedef void (*kernel_fn)(const void *args, int thread, int threads);
typedef _Atomic uint32_t cell;

/* What launch and replay return. */
enum status { OK, WORKER_TRAPPED, STALLED, BROKEN };

/* A word that threads wait on, alone in its cache line. `sleepers` saves the wake call when nobody sleeps. */
struct gate {
  _Alignas(LINE) cell value;
  cell sleepers;
};

/* Written by thread 0 before it bumps the epoch, read by the others after they saw it. */
static struct {
  _Alignas(LINE) kernel_fn kernel;
  const void *args;
} job;

static struct {
  _Alignas(LINE) int32_t threads;
  int32_t spin_turns;
  int32_t caller_may_sleep;
  int32_t stall_slices;
  char *scratch;
  cell rounds;  /* of spin_turns, before a wait sleeps */
  int32_t busy; /* 1 from the start of a launch to its regular end; stays 1 after a trap on thread 0 */
} pool;

static struct gate epoch;     /* count << 8 | threads that take part; 0 in the low byte: go home */
static struct gate remaining; /* workers that have not finished this launch */
static struct gate phase;     /* bumped when the last thread reaches the barrier */
static struct {
  _Alignas(LINE) cell count;
} arrived;
static struct {
  _Alignas(LINE) cell next[4];
} claims;
static struct {
  _Alignas(LINE) cell trapped, stalled;
} failure;

extern char __heap_base;

#define PAGE 4096 /* of the machine */
#define STACK_BYTES (64 << 10)
#define PROGRAM_ROUNDS 24 /* about 0.5 ms */
#define LAUNCH_ROUNDS 4   /* after a single launch: longer than JavaScript takes to the next one */
#define SLICE_NANOSECONDS 100000000ll
#define SLICE_SPINS 5000 /* a slice of a caller that may not sleep: about this many times 20 us */

/* ---- waiting ---- */

static int spin_until_changed(struct gate *gate, uint32_t seen, int32_t turns) {
  for (int32_t i = 0; i < turns; i++)
    if (atomic_load(&gate->value) != seen) return 1;
  return 0;
}

/* As often as the pool says by then: a program may begin or end meanwhile. */
static int spin_rounds(struct gate *gate, uint32_t seen) {
  for (uint32_t round = 0; round < atomic_load(&pool.rounds); round++)
    if (spin_until_changed(gate, seen, pool.spin_turns)) return 1;
  return 0;
}

static void wake(struct gate *gate) {
  if (atomic_load(&gate->sleepers)) __builtin_wasm_memory_atomic_notify((int *)&gate->value, -1);
}

/* Returns when gate->value is not `seen` any more, or with the reason why it will not change. */
static enum status wait_until_changed(struct gate *gate, uint32_t seen, int thread) {
  if (spin_rounds(gate, seen)) return OK;
  for (int32_t slice = 0; slice < pool.stall_slices; slice++) {
    if (atomic_load(&failure.trapped)) return WORKER_TRAPPED;
    if (thread == 0 && !pool.caller_may_sleep) {
      for (int32_t i = 0; i < SLICE_SPINS; i++)
        if (spin_until_changed(gate, seen, pool.spin_turns)) return OK;
    } else {
      atomic_fetch_add(&gate->sleepers, 1);
      __builtin_wasm_memory_atomic_wait32((int *)&gate->value, (int)seen, SLICE_NANOSECONDS);
      atomic_fetch_sub(&gate->sleepers, 1);
    }
    if (atomic_load(&gate->value) != seen) return OK;
  }
  atomic_store(&failure.stalled, 1);
  return STALLED;
}

void barrier(int thread, int threads) {
  if (threads == 1) return;
  const uint32_t seen = atomic_load(&phase.value);
  if (atomic_fetch_add(&arrived.count, 1) == (uint32_t)threads - 1) {
    atomic_store(&arrived.count, 0);
    atomic_store(&phase.value, seen + 1);
    wake(&phase);
  } else if (wait_until_changed(&phase, seen, thread) != OK) {
    __builtin_trap();
  }
}

int32_t claim(int phase_index) { return (int32_t)atomic_fetch_add(&claims.next[phase_index], 1); }

/* ---- launching ---- */

static enum status run(int32_t index, const void *args) {
  wasm_v128_store(&claims, wasm_i32x4_const_splat(0));
  const int threads = pool.threads;
  if (index < 0 || threads == 1) {
    ((kernel_fn)(uintptr_t)(index < 0 ? -index : index))(args, 0, 1);
    return OK;
  }
  const kernel_fn kernel = (kernel_fn)(uintptr_t)index;
  job.kernel = kernel;
  job.args = args;
  atomic_store(&remaining.value, (uint32_t)threads - 1);
  atomic_store(&epoch.value, ((atomic_load(&epoch.value) >> 8) + 1) << 8 | (uint32_t)threads);
  wake(&epoch);
  kernel(args, 0, threads);
  for (uint32_t left; (left = atomic_load(&remaining.value)) != 0;) {
    const enum status status = wait_until_changed(&remaining, left, 0);
    if (status != OK) return status;
  }
  return atomic_load(&failure.trapped) ? WORKER_TRAPPED : OK;
}

struct entry {
  int32_t index;
  const void *args;
};

/* Runs `count` recorded launches in order. A negative index runs that kernel on the calling thread alone. */
EXPORT(replay) int32_t replay(const struct entry *list, int32_t count) {
  if (pool.busy) return BROKEN;
  pool.busy = 1;
  if (count > 1) atomic_store(&pool.rounds, PROGRAM_ROUNDS);
  for (int32_t i = 0; i < count; i++) {
    const enum status status = run(list[i].index, list[i].args);
    if (status != OK) return status;
  }
  if (count > 1) atomic_store(&pool.rounds, LAUNCH_ROUNDS);
  pool.busy = 0;
  return OK;
}

EXPORT(launch) int32_t launch(int32_t index, const void *args) {
  const struct entry only = {index, args};
  return replay(&only, 1);
}

/* A worker's life. Returns after shut_down(). */
EXPORT(work) void work(int32_t thread) {
  uint32_t seen = 0;
  for (;;) {
    uint32_t now;
    if (!spin_rounds(&epoch, seen)) {
      atomic_fetch_add(&epoch.sleepers, 1);
      __builtin_wasm_memory_atomic_wait32((int *)&epoch.value, (int)seen, -1);
      atomic_fetch_sub(&epoch.sleepers, 1);
    }
    now = atomic_load(&epoch.value);
    if (now == seen) continue;
    seen = now;
    const int threads = (int)(now & 255);
    if (threads == 0) return;
    if (thread >= threads) continue;
    job.kernel(job.args, thread, threads);
    atomic_fetch_sub(&remaining.value, 1);
    wake(&remaining);
  }
}

/* ---- set up and end ---- */

void *shared_scratch(void) { return pool.scratch; }

void *thread_scratch(int thread) { return pool.scratch + SHARED_SCRATCH_BYTES + (size_t)thread * THREAD_SCRATCH_BYTES; }

/* At a page, and so is all that follows: rows that cross pages take up to half as long again to read. */
static char *scratch_start(void) { return (char *)(((uintptr_t)&__heap_base + PAGE - 1) & ~(uintptr_t)(PAGE - 1)); }

/* The first address that the pool does not use: scratch and stacks of `threads` threads lie below it. */
EXPORT(reserved_end) char *reserved_end(int32_t threads) {
  return scratch_start() + SHARED_SCRATCH_BYTES + (size_t)threads * (THREAD_SCRATCH_BYTES + STACK_BYTES);
}

/* Where the stack of a worker begins (it grows downwards), with `threads` as given to reserved_end. */
EXPORT(stack_top) char *stack_top(int32_t thread, int32_t threads) {
  return reserved_end(threads) - (size_t)(threads - 1 - thread) * STACK_BYTES;
}

EXPORT(configure) void configure(int32_t threads, int32_t spin_turns, int32_t caller_may_sleep, int32_t stall_slices) {
  pool.scratch = scratch_start();
  pool.threads = threads;
  pool.spin_turns = spin_turns;
  atomic_store(&pool.rounds, LAUNCH_ROUNDS);
  pool.caller_may_sleep = caller_may_sleep;
  pool.stall_slices = stall_slices;
}

/* Fewer threads from now on: the workers at and above `threads` only sleep. Not while a launch runs. */
EXPORT(set_threads) void set_threads(int32_t threads) { pool.threads = threads; }

/* `turns` fruitless turns, for JavaScript to time. */
EXPORT(spin) int32_t spin(int32_t turns) { return spin_until_changed(&phase, atomic_load(&phase.value), turns); }

/* Called for a worker whose kernel trapped: whoever waits for it wakes up and returns a status. */
EXPORT(report_trap) void report_trap(int32_t thread) {
  atomic_store(&failure.trapped, (uint32_t)thread + 1);
  __builtin_wasm_memory_atomic_notify((int *)&remaining.value, -1);
  __builtin_wasm_memory_atomic_notify((int *)&phase.value, -1);
}

/* What went wrong, for a launch that ended in a trap on the calling thread. */
EXPORT(failure_status) int32_t failure_status(void) {
  return atomic_load(&failure.trapped) ? WORKER_TRAPPED : atomic_load(&failure.stalled) ? STALLED : OK;
}

/* Sends the workers home; every later launch returns BROKEN. */
EXPORT(shut_down) void shut_down(void) {
  pool.busy = 1;
  atomic_store(&epoch.value, ((atomic_load(&epoch.value) >> 8) + 1) << 8);
  __builtin_wasm_memory_atomic_notify((int *)&epoch.value, -1);
}
