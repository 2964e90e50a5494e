/*
 * binary: y = a op b, f32, element by element; b has `period` elements and repeats over a (1: a scalar, count: no
 * repeat). All four operations are exact roundings, so vector and tail lanes agree to the bit.
 */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"

/* The same order as in binary.ts. */
enum { ADD, SUBTRACT, MULTIPLY, DIVIDE, KINDS };

struct binary_args {
  const float *a;
  const float *b;
  float *y;
  int32_t count;
  int32_t period;
  int32_t kind;
};

/* A b shorter than this is written out several times first, so that no run of equal alignment is short. */
#define SHORT_PERIOD 128
#define PATTERN (5 * SHORT_PERIOD)

#define RUN(name, op)                                                                                        \
  static void name(const float *a, const float *b, float *y, int32_t n) {                                    \
    int32_t i = 0;                                                                                           \
    for (; i + 16 <= n; i += 16) {                                                                           \
      const v128_t y0 = op(load4(a + i), load4(b + i)), y1 = op(load4(a + i + 4), load4(b + i + 4));         \
      const v128_t y2 = op(load4(a + i + 8), load4(b + i + 8)), y3 = op(load4(a + i + 12), load4(b + i + 12)); \
      store4(y + i, y0);                                                                                     \
      store4(y + i + 4, y1);                                                                                 \
      store4(y + i + 8, y2);                                                                                 \
      store4(y + i + 12, y3);                                                                                \
    }                                                                                                        \
    for (; i + 4 <= n; i += 4) store4(y + i, op(load4(a + i), load4(b + i)));                                \
    store_some(y + i, op(load_some(a + i, n - i), load_some(b + i, n - i)), n - i);                          \
  }

RUN(add_run, wasm_f32x4_add)
RUN(subtract_run, wasm_f32x4_sub)
RUN(multiply_run, wasm_f32x4_mul)
RUN(divide_run, wasm_f32x4_div)

typedef void (*run_fn)(const float *a, const float *b, float *y, int32_t n);
static const run_fn runs[KINDS] = {add_run, subtract_run, multiply_run, divide_run};

KERNEL(binary) {
  const struct range r = part(a->count, 16, thread, threads);
  const run_fn run = runs[a->kind];
  const float *b = a->b;
  int32_t period = a->period;
  float pattern[PATTERN];
  if (period < SHORT_PERIOD && period < a->count) {
    const int32_t copies = PATTERN / period;
    for (int32_t c = 0; c < copies; c++)
      for (int32_t j = 0; j < period; j++) pattern[c * period + j] = b[j];
    b = pattern;
    period *= copies;
  }
  int32_t j = r.begin % period;
  for (int32_t i = r.begin; i < r.end;) {
    const int32_t n = period - j < r.end - i ? period - j : r.end - i;
    run(a->a + i, b + j, a->y + i, n);
    i += n;
    j = 0;
  }
}
