/* The largest of n floats, NaN when one of them is, and where it is: for reduce.c, argmax.c, softmax.c and sample.c. */
#ifndef QSPARSE_MAX_H
#define QSPARSE_MAX_H

#include "../runtime/simd.h"

/*
 * pmax is one instruction where max is many, but it loses NaN (m < x is false), so NaN are looked for beside it:
 * `nan` gathers x != x.
 */
static inline float max_of(const float *x, int32_t n) {
  v128_t m0 = wasm_f32x4_const_splat(-__builtin_inff()), m1 = m0, m2 = m0, m3 = m0;
  v128_t nan = wasm_i32x4_const_splat(0), nan1 = nan;
  int32_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const v128_t x0 = load4(x + i), x1 = load4(x + i + 4), x2 = load4(x + i + 8), x3 = load4(x + i + 12);
    m0 = wasm_f32x4_pmax(m0, x0);
    m1 = wasm_f32x4_pmax(m1, x1);
    m2 = wasm_f32x4_pmax(m2, x2);
    m3 = wasm_f32x4_pmax(m3, x3);
    nan = wasm_v128_or(nan, wasm_v128_or(wasm_f32x4_ne(x0, x0), wasm_f32x4_ne(x1, x1)));
    nan1 = wasm_v128_or(nan1, wasm_v128_or(wasm_f32x4_ne(x2, x2), wasm_f32x4_ne(x3, x3)));
  }
  for (; i < n; i++) {
    const v128_t v = wasm_v128_load32_splat(x + i);
    m0 = wasm_f32x4_pmax(m0, v);
    nan = wasm_v128_or(nan, wasm_f32x4_ne(v, v));
  }
  if (wasm_v128_any_true(wasm_v128_or(nan, nan1))) return __builtin_nanf("");
  m0 = wasm_f32x4_pmax(wasm_f32x4_pmax(m0, m1), wasm_f32x4_pmax(m2, m3));
  m0 = wasm_f32x4_pmax(m0, wasm_i32x4_shuffle(m0, m0, 2, 3, 0, 1));
  return wasm_f32x4_extract_lane(wasm_f32x4_pmax(m0, wasm_i32x4_shuffle(m0, m0, 1, 0, 3, 2)), 0);
}

/* Where x equals `wanted` first; a NaN is found where x is not equal to itself. */
static inline int32_t first_of(const float *x, int32_t n, float wanted) {
  const int nan = wanted != wanted;
  const v128_t target = wasm_f32x4_splat(wanted);
  int32_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const v128_t v = load4(x + i), found = nan ? wasm_f32x4_ne(v, v) : wasm_f32x4_eq(v, target);
    if (wasm_v128_any_true(found)) break;
  }
  while (i < n && !(nan ? x[i] != x[i] : x[i] == wanted)) i++;
  return i;
}

#endif
