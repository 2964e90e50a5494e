/*
 * cast: every pair of f32, bf16, i32 and i8. To bf16: nearest, ties to even, a NaN stays one. Floats to integers:
 * truncated toward zero and held inside the range, NaN to 0; integers to floats: nearest.
 */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"

/* The same order as in cast.ts. */
enum { F32, BF16, I32, I8, DTYPES };

struct cast_args {
  const void *x;
  void *y;
  int32_t count;
  int32_t from;
  int32_t to;
};

/* ---- four elements between memory and lanes of 32 bits ---- */

static inline v128_t load_f32(const float *p) { return load4(p); }
static inline v128_t load_bf16(const uint16_t *p) { return wasm_i32x4_shl(wasm_u32x4_load16x4(p), 16); }
static inline v128_t load_i32(const int32_t *p) { return wasm_v128_load(p); }
static inline v128_t load_i8(const int8_t *p) {
  return wasm_i32x4_extend_low_i16x8(wasm_i16x8_extend_low_i8x16(wasm_v128_load32_zero(p)));
}

static inline void store_f32(float *p, v128_t v) { store4(p, v); }
static inline void store_bf16(uint16_t *p, v128_t v) {
  const v128_t odd = wasm_v128_and(wasm_u32x4_shr(v, 16), wasm_i32x4_const_splat(1));
  const v128_t rounded = wasm_i32x4_add(wasm_i32x4_add(v, wasm_i32x4_const_splat(0x7fff)), odd);
  const v128_t nan = wasm_v128_or(v, wasm_i32x4_const_splat(0x400000));
  const v128_t high = wasm_u32x4_shr(wasm_v128_bitselect(nan, rounded, wasm_f32x4_ne(v, v)), 16);
  wasm_v128_store64_lane(p, wasm_u16x8_narrow_i32x4(high, high), 0);
}
static inline void store_i32(int32_t *p, v128_t v) { wasm_v128_store(p, v); }
static inline void store_i8(int8_t *p, v128_t v) {
  const v128_t halves = wasm_i16x8_narrow_i32x4(v, v);
  wasm_v128_store32_lane(p, wasm_i8x16_narrow_i16x8(halves, halves), 0);
}

/* ---- the twelve pairs ---- */

#define SAME(v) (v)
#define TO_FLOAT(v) wasm_f32x4_convert_i32x4(v)
#define TO_WHOLE(v) wasm_i32x4_trunc_sat_f32x4(v)

#define CAST(from, from_type, to, to_type, convert)                                       \
  static void from##_to_##to(const void *px, void *py, int32_t begin, int32_t end) {      \
    const from_type *x = px;                                                              \
    to_type *y = py;                                                                      \
    int32_t i = begin;                                                                    \
    for (; i + 4 <= end; i += 4) store_##to(y + i, convert(load_##from(x + i)));          \
    if (i == end) return;                                                                 \
    from_type in[4] = {0};                                                                \
    to_type out[4];                                                                       \
    for (int32_t j = 0; j < end - i; j++) in[j] = x[i + j];                               \
    store_##to(out, convert(load_##from(in)));                                            \
    for (int32_t j = 0; j < end - i; j++) y[i + j] = out[j];                              \
  }

CAST(f32, float, bf16, uint16_t, SAME)
CAST(f32, float, i32, int32_t, TO_WHOLE)
CAST(f32, float, i8, int8_t, TO_WHOLE)
CAST(bf16, uint16_t, f32, float, SAME)
CAST(bf16, uint16_t, i32, int32_t, TO_WHOLE)
CAST(bf16, uint16_t, i8, int8_t, TO_WHOLE)
CAST(i32, int32_t, f32, float, TO_FLOAT)
CAST(i32, int32_t, bf16, uint16_t, TO_FLOAT)
CAST(i32, int32_t, i8, int8_t, SAME)
CAST(i8, int8_t, f32, float, TO_FLOAT)
CAST(i8, int8_t, bf16, uint16_t, TO_FLOAT)
CAST(i8, int8_t, i32, int32_t, SAME)

typedef void (*cast_fn)(const void *x, void *y, int32_t begin, int32_t end);
static const cast_fn casts[DTYPES][DTYPES] = {
    {0, f32_to_bf16, f32_to_i32, f32_to_i8},
    {bf16_to_f32, 0, bf16_to_i32, bf16_to_i8},
    {i32_to_f32, i32_to_bf16, 0, i32_to_i8},
    {i8_to_f32, i8_to_bf16, i8_to_i32, 0},
};

KERNEL(cast) {
  const struct range r = part(a->count, 64, thread, threads);
  casts[a->from][a->to](a->x, a->y, r.begin, r.end);
}
