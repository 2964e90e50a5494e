/* unary-backward: dx = f'(x) * dy, f32, for every kind of unary. At a kink the derivative is 0. */
#include "../runtime/kernel.h"
#include "unary.h"

struct unary_backward_args {
  const float *x;
  const float *dy;
  float *dx;
  int32_t count;
  int32_t kind;
};

#define SPLAT(x) wasm_f32x4_const_splat(x)

static inline v128_t negate4(v128_t x, v128_t dy) {
  (void)x;
  return wasm_f32x4_neg(dy);
}

static inline v128_t times_exp4(v128_t x, v128_t dy) { return wasm_f32x4_mul(exp4(x), dy); }

static inline v128_t log_backward4(v128_t x, v128_t dy) { return wasm_f32x4_div(dy, x); }

static inline v128_t sqrt_backward4(v128_t x, v128_t dy) {
  return wasm_f32x4_mul(wasm_f32x4_div(SPLAT(0.5f), wasm_f32x4_sqrt(x)), dy);
}

static inline v128_t square_backward4(v128_t x, v128_t dy) { return wasm_f32x4_mul(wasm_f32x4_add(x, x), dy); }

static inline v128_t reciprocal_backward4(v128_t x, v128_t dy) {
  return wasm_f32x4_mul(wasm_f32x4_div(SPLAT(-1), wasm_f32x4_mul(x, x)), dy);
}

/* 1 where the comparison holds, else 0: multiplied rather than masked, so that a NaN in dy is not lost. */
static inline v128_t one_where(v128_t holds) { return wasm_v128_and(holds, SPLAT(1)); }

static inline v128_t absolute_backward4(v128_t x, v128_t dy) {
  const v128_t sign = wasm_f32x4_sub(one_where(wasm_f32x4_gt(x, SPLAT(0))), one_where(wasm_f32x4_lt(x, SPLAT(0))));
  return wasm_f32x4_mul(wasm_v128_bitselect(sign, x, wasm_f32x4_eq(x, x)), dy);
}

static inline v128_t relu_backward4(v128_t x, v128_t dy) {
  return wasm_f32x4_mul(one_where(wasm_f32x4_gt(x, SPLAT(0))), dy);
}

static inline v128_t squared_relu_backward4(v128_t x, v128_t dy) {
  const v128_t positive = wasm_f32x4_pmax(x, SPLAT(0)); /* NaN stays */
  return wasm_f32x4_mul(wasm_f32x4_add(positive, positive), dy);
}

/* s (1 + x (1 - s)) */
static inline v128_t silu_backward4(v128_t x, v128_t dy) {
  v128_t s, rest;
  logistic_parts(x, &s, &rest);
  return wasm_f32x4_mul(wasm_f32x4_mul(s, madd(x, rest, SPLAT(1))), dy);
}

/* With y = x s, s = sigmoid(2u): s + x s (1 - s) (2u)'. */
static inline v128_t gelu_backward4(v128_t x, v128_t dy) {
  v128_t s, rest;
  logistic_parts(gelu_argument(x), &s, &rest);
  /* Beyond 64 the second term is 0; without the limit it would be 0 times infinity. An infinite x still gives NaN. */
  v128_t c = wasm_f32x4_pmax(wasm_f32x4_pmin(x, SPLAT(64)), SPLAT(-64));
  c = wasm_f32x4_add(c, wasm_f32x4_sub(x, x));
  const v128_t slope = madd(wasm_f32x4_mul(c, c), SPLAT(3 * GELU_LINEAR * GELU_CUBIC), SPLAT(GELU_LINEAR));
  const v128_t bend = wasm_f32x4_mul(wasm_f32x4_mul(s, rest), wasm_f32x4_mul(c, slope));
  return wasm_f32x4_mul(wasm_f32x4_add(s, bend), dy);
}

#define RUN(name, f)                                                                                  \
  static void name##_run(const float *x, const float *dy, float *dx, int32_t n) {                     \
    int32_t i = 0;                                                                                    \
    for (; i + 4 <= n; i += 4) store4(dx + i, f(load4(x + i), load4(dy + i)));                        \
    if (i < n) store_some(dx + i, f(load_some(x + i, n - i), load_some(dy + i, n - i)), n - i);       \
  }

RUN(negate, negate4)
RUN(exp, times_exp4)
RUN(log, log_backward4)
RUN(sqrt, sqrt_backward4)
RUN(square, square_backward4)
RUN(reciprocal, reciprocal_backward4)
RUN(absolute, absolute_backward4)
RUN(relu, relu_backward4)
RUN(squared_relu, squared_relu_backward4)
RUN(silu, silu_backward4)
RUN(gelu, gelu_backward4)

typedef void (*run_fn)(const float *x, const float *dy, float *dx, int32_t n);
static const run_fn runs[KINDS] = {negate_run,   exp_run,  log_run,          sqrt_run, square_run, reciprocal_run,
                                   absolute_run, relu_run, squared_relu_run, silu_run, gelu_run};

KERNEL(unary_backward) {
  const struct range r = part(a->count, 16, thread, threads);
  runs[a->kind](a->x + r.begin, a->dy + r.begin, a->dx + r.begin, r.end - r.begin);
}
