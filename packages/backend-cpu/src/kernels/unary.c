/*
 * unary: y = f(x), f32, element by element; NaN stays NaN. exp, log and the logistic function come from simd-math.h, and
 * tail lanes go through the same code, so that a result does not depend on where an element lies.
 */
#include "../runtime/kernel.h"
#include "unary.h"

struct unary_args {
  const float *x;
  float *y;
  int32_t count;
  int32_t kind;
};

static inline v128_t square4(v128_t x) { return wasm_f32x4_mul(x, x); }

static inline v128_t reciprocal4(v128_t x) { return wasm_f32x4_div(wasm_f32x4_const_splat(1), x); }

/* pmax gives its first operand unless it is smaller, so NaN stays. */
static inline v128_t relu4(v128_t x) { return wasm_f32x4_pmax(x, wasm_f32x4_const_splat(0)); }

static inline v128_t squared_relu4(v128_t x) { return square4(relu4(x)); }

static inline v128_t silu4(v128_t x) { return wasm_f32x4_mul(x, sigmoid4(x)); }

/* x/2 (1 + tanh u) = x sigmoid(2u), which loses nothing where tanh is near -1. */
static inline v128_t gelu4(v128_t x) { return wasm_f32x4_mul(x, sigmoid4(gelu_argument(x))); }

/* Not unrolled: f is long, and the processor works on the next one by itself. */
#define RUN(name, f)                                                        \
  static void name##_run(const float *x, float *y, int32_t n) {             \
    int32_t i = 0;                                                          \
    for (; i + 4 <= n; i += 4) store4(y + i, f(load4(x + i)));              \
    if (i < n) store_some(y + i, f(load_some(x + i, n - i)), n - i);        \
  }

RUN(negate, wasm_f32x4_neg)
RUN(exp, exp4)
RUN(log, log4)
RUN(sqrt, wasm_f32x4_sqrt)
RUN(square, square4)
RUN(reciprocal, reciprocal4)
RUN(absolute, wasm_f32x4_abs)
RUN(relu, relu4)
RUN(squared_relu, squared_relu4)
RUN(silu, silu4)
RUN(gelu, gelu4)

typedef void (*run_fn)(const float *x, float *y, int32_t n);
static const run_fn runs[KINDS] = {negate_run,   exp_run,  log_run,          sqrt_run, square_run, reciprocal_run,
                                   absolute_run, relu_run, squared_relu_run, silu_run, gelu_run};

KERNEL(unary) {
  const struct range r = part(a->count, 16, thread, threads);
  runs[a->kind](a->x + r.begin, a->y + r.begin, r.end - r.begin);
}
