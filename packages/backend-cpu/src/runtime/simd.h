/*
 * Vectors of four floats: loads, stores, tails and sums; simd-math.h, included at the end, has exp4, log4, tanh4, erf4
 * and sigmoid4.
 * Addresses need no alignment beyond 4 bytes. No function here touches a byte outside the elements it names.
 */
#ifndef QSPARSE_SIMD_H
#define QSPARSE_SIMD_H

#include <stdint.h>
#include <wasm_simd128.h>

/* ---- memory ---- */

static inline v128_t load4(const float *p) { return wasm_v128_load(p); }

static inline void store4(float *p, v128_t v) { wasm_v128_store(p, v); }

/* The first n (0 .. 3) of four floats, the others 0. */
static inline v128_t load_some(const float *p, int32_t n) {
  if (n <= 0) return wasm_f32x4_const_splat(0);
  if (n == 1) return wasm_v128_load32_zero(p);
  const v128_t two = wasm_v128_load64_zero(p);
  return n == 2 ? two : wasm_v128_load32_lane(p + 2, two, 2);
}

/* Stores the first n (0 .. 3) of four floats. */
static inline void store_some(float *p, v128_t v, int32_t n) {
  if (n <= 0) return;
  if (n == 1) {
    wasm_v128_store32_lane(p, v, 0);
    return;
  }
  wasm_v128_store64_lane(p, v, 0);
  if (n == 3) wasm_v128_store32_lane(p + 2, v, 2);
}

/* ---- arithmetic ---- */

/* a * b + c: fused where the machine can (relaxed build), two roundings otherwise. */
static inline v128_t madd(v128_t a, v128_t b, v128_t c) {
#ifdef __wasm_relaxed_simd__
  return wasm_f32x4_relaxed_madd(a, b, c);
#else
  return wasm_f32x4_add(wasm_f32x4_mul(a, b), c);
#endif
}

/* c - a * b, as above. */
static inline v128_t nmadd(v128_t a, v128_t b, v128_t c) {
#ifdef __wasm_relaxed_simd__
  return wasm_f32x4_relaxed_nmadd(a, b, c);
#else
  return wasm_f32x4_sub(c, wasm_f32x4_mul(a, b));
#endif
}

/* (v0 + v2) + (v1 + v3) */
static inline float sum4(v128_t v) {
  const v128_t pairs = wasm_f32x4_add(v, wasm_i32x4_shuffle(v, v, 2, 3, 0, 1));
  return wasm_f32x4_extract_lane(pairs, 0) + wasm_f32x4_extract_lane(pairs, 1);
}

/* acc (two float64 sums) plus the four floats of v: lanes 0 and 2 into the first sum, 1 and 3 into the second. */
static inline v128_t add4_f64(v128_t acc, v128_t v) {
  acc = wasm_f64x2_add(acc, wasm_f64x2_promote_low_f32x4(v));
  return wasm_f64x2_add(acc, wasm_f64x2_promote_low_f32x4(wasm_i32x4_shuffle(v, v, 2, 3, 2, 3)));
}

/* The sum of both. */
static inline double sum2_f64(v128_t acc) { return wasm_f64x2_extract_lane(acc, 0) + wasm_f64x2_extract_lane(acc, 1); }

/* ---- runs of floats ----
 *
 * Not memcpy and memset: they become memory.copy and memory.fill, whose bounds V8 checks against a size of the shared
 * memory that a worker thread learns late after it has grown, so that they trap now and then. Loads and stores do not.
 */

static inline void copy_floats(float *to, const float *from, int32_t n) {
  int32_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const v128_t v0 = load4(from + i), v1 = load4(from + i + 4), v2 = load4(from + i + 8), v3 = load4(from + i + 12);
    store4(to + i, v0);
    store4(to + i + 4, v1);
    store4(to + i + 8, v2);
    store4(to + i + 12, v3);
  }
  for (; i + 4 <= n; i += 4) store4(to + i, load4(from + i));
  store_some(to + i, load_some(from + i, n - i), n - i);
}

static inline void fill_floats(float *to, float value, int32_t n) {
  const v128_t v = wasm_f32x4_splat(value);
  int32_t i = 0;
  for (; i + 16 <= n; i += 16) {
    store4(to + i, v);
    store4(to + i + 4, v);
    store4(to + i + 8, v);
    store4(to + i + 12, v);
  }
  for (; i + 4 <= n; i += 4) store4(to + i, v);
  store_some(to + i, v, n - i);
}

#include "simd-math.h"

#endif
