/*
 * The contract between a kernel, the thread pool and JavaScript. Every file in src/kernels includes it.
 *
 * A kernel is   KERNEL(name) { ... }   with   struct name_args   declared above it: the body sees
 *   a        const struct name_args *, the argument block in linear memory
 *   thread   0 .. threads - 1, who is running (0 is the caller's thread)
 *   threads  how many run this body at the same time; 1 for a serial launch
 * and returns when its own share is done. Do the same work for any `threads`, including 1.
 *
 * The argument block is 32-bit words only, one field a line, nothing else in the struct: `const T *x;`, `T *y;`,
 * `int32_t n;`, `uint32_t seed;` or `float scale;`. The build script reads the struct and writes the typed layout for TypeScript.
 *
 * Determinism: results must not depend on `threads`. Split work so that each output element is made by the same
 * operations in the same order whoever runs it; sum over a number of chunks that depends on the sizes alone.
 *
 * Not here: vector helpers and math functions (simd.h); the pool itself (pool.c). No libc: no malloc, no stdio.
 */
#ifndef QSPARSE_KERNEL_H
#define QSPARSE_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* Defines the kernel `name` and exports a function of that name, which tells JavaScript its table index. */
#define KERNEL(name)                                                                                      \
  _Static_assert(sizeof(struct name##_args) % 4 == 0 && _Alignof(struct name##_args) == 4,                \
                 #name "_args must be made of 32-bit words");                                             \
  static void name##_kernel(const struct name##_args *a, int thread, int threads);                        \
  static void name##_entry(const void *args, int thread, int threads) { name##_kernel(args, thread, threads); } \
  __attribute__((export_name(#name))) int name##_kernel_index(void) { return (int)(uintptr_t)&name##_entry; }   \
  static void name##_kernel(const struct name##_args *a, __attribute__((unused)) int thread,              \
                            __attribute__((unused)) int threads)

/* ---- splitting work ---- */

/* Elements begin .. end - 1. */
struct range {
  int32_t begin, end;
};

/*
 * Part `index` of `parts` nearly equal parts of 0 .. n - 1. All borders but n are multiples of `multiple`, so that with
 * a multiple of the vector width each element meets the same vector or tail code for every number of parts.
 * Independent outputs:  struct range r = part(n, 16, thread, threads);
 */
static inline struct range part(int32_t n, int32_t multiple, int32_t index, int32_t parts) {
  const int64_t blocks = ((int64_t)n + multiple - 1) / multiple;
  const int64_t begin = blocks * index / parts * multiple, end = blocks * (index + 1) / parts * multiple;
  return (struct range){begin < n ? (int32_t)begin : n, end < n ? (int32_t)end : n};
}

/*
 * How many chunks a sum over n items is cut into: from n alone, never from `threads`. At least `least` items a chunk,
 * at most 32 chunks. Reductions:
 *   int32_t chunks = reduction_chunks(rows, 64);
 *   for (int32_t c = thread; c < chunks; c += threads) { sum part(rows, 1, c, chunks) into partial c }
 *   barrier(thread, threads);
 *   add the partials in the order 0, 1, 2 ... (split over the output elements, or on thread 0)
 */
static inline int32_t reduction_chunks(int32_t n, int32_t least) {
  const int32_t chunks = n / least;
  return chunks < 1 ? 1 : chunks > 32 ? 32 : chunks;
}

/*
 * The next number 0, 1, 2 ... not yet given to any thread in this launch: for work whose parts take unequal time.
 * `phase` (0 .. 3) names one of four independent counters, so that a kernel with barriers has one per phase.
 */
int32_t claim(int phase);

/* ---- phases ---- */

/*
 * No thread passes before all have come; writes before it are seen after it. All `threads` threads of the launch must
 * call it equally often.
 */
void barrier(int thread, int threads);

/* ---- scratch memory, 64-byte aligned; contents are undefined at the start of a launch ---- */

#define THREAD_SCRATCH_BYTES (1 << 20)
#define SHARED_SCRATCH_BYTES (4 << 20)

/* THREAD_SCRATCH_BYTES that belong to `thread` alone. */
void *thread_scratch(int thread);

/* SHARED_SCRATCH_BYTES that all threads of the launch see. A kernel that may need more takes a workspace argument. */
void *shared_scratch(void);

#endif
