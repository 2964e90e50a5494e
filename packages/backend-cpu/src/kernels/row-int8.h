/* Int8 levels of a row, kept in floating point; quantize-int8.c and sparsify.c must agree to the last bit. */
#ifndef QSPARSE_ROW_INT8_H
#define QSPARSE_ROW_INT8_H

#include "../runtime/simd.h"

/* What 1 / 127 of the row's largest magnitude is, and that magnitude, at least 1e-5. */
struct levels {
  v128_t largest, step;
};

static inline struct levels levels_of(float largest) {
  const float g = largest < 1e-5f ? 1e-5f : largest; /* NaN stays */
  return (struct levels){wasm_f32x4_splat(g), wasm_f32x4_splat(g / 127)};
}

/* round(127 x / largest), half to even. |x| <= largest, so that no clamp is needed. */
static inline v128_t level4(v128_t x, struct levels levels) {
  return wasm_f32x4_nearest(wasm_f32x4_div(wasm_f32x4_mul(x, wasm_f32x4_const_splat(127)), levels.largest));
}

/* The level times the step. */
static inline v128_t to_levels4(v128_t x, struct levels levels) { return wasm_f32x4_mul(level4(x, levels), levels.step); }

#endif
