/*
 * compact: the entries of each row that are not zero, as a list in ascending order, with their values or, for rows on
 * int8 levels, the levels. A row is one thread's; places after the last entry are 0.
 */
#include "../runtime/kernel.h"
#include "row-list.h"
#include "selection.h"

struct compact_args {
  const float *x;
  int32_t *indices;
  float *values;
  int8_t *codes;
  int32_t *count;
  float *scale;
  int32_t rows;
  int32_t width;
  int32_t keep;
};

/* The first `keep` indices of entries that are not zero (NaN is none). */
static int32_t find_entries(const float *x, int32_t *indices, int32_t width, int32_t keep) {
  const v128_t zero = wasm_f32x4_const_splat(0);
  int32_t found = 0;
  for (int32_t i = 0; i < width && found < keep; i += 4) {
    const v128_t four = width - i >= 4 ? load4(x + i) : load_some(x + i, width - i);
    const uint32_t all = wasm_i32x4_bitmask(wasm_f32x4_ne(four, zero));
    if (all == 15 && keep - found >= 4) {
      wasm_v128_store(indices + found, wasm_i32x4_add(wasm_i32x4_splat(i), wasm_i32x4_const(0, 1, 2, 3)));
      found += 4;
      continue;
    }
    for (uint32_t mask = all; mask != 0 && found < keep; mask &= mask - 1)
      indices[found++] = i + __builtin_ctz(mask);
  }
  return found;
}

/* Levels of the entries at `indices`, within 127: 127 x may be infinite. */
static void write_codes(int8_t *codes, const float *x, const int32_t *indices, int32_t n, v128_t largest) {
  const v128_t most = wasm_f32x4_const_splat(127), least = wasm_f32x4_const_splat(-127);
  for (int32_t j = 0; j < n; j += 4) {
    const int32_t last = n - 1, *at = indices + j;
    const v128_t four = n - j >= 4 ? wasm_f32x4_make(x[at[0]], x[at[1]], x[at[2]], x[at[3]])
                                   : wasm_f32x4_make(x[at[0]], x[indices[j + 1 < last ? j + 1 : last]],
                                                     x[indices[j + 2 < last ? j + 2 : last]], x[indices[last]]);
    const v128_t level = wasm_f32x4_nearest(wasm_f32x4_div(wasm_f32x4_mul(four, most), largest));
    const v128_t whole = wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_pmax(wasm_f32x4_pmin(level, most), least));
    const v128_t words = wasm_i16x8_narrow_i32x4(whole, whole);
    const uint32_t bytes = (uint32_t)wasm_i32x4_extract_lane(wasm_i8x16_narrow_i16x8(words, words), 0);
    if (n - j >= 4) __builtin_memcpy(codes + j, &bytes, 4);
    else
      for (int32_t c = 0; c < n - j; c++) codes[j + c] = (int8_t)(bytes >> (8 * c));
  }
}

/* What stands behind `found` entries of which `valued` have a value. */
static void finish_list(const struct list *to, int32_t row, int32_t found, int32_t valued) {
  const int32_t first = row * to->keep;
  to->count[row] = found;
  for (int32_t j = found; j < to->keep; j++) to->indices[first + j] = 0;
  for (int32_t j = valued; j < to->keep; j++)
    if (to->values) to->values[first + j] = 0;
    else to->codes[first + j] = 0;
}

/* Of four entries those that a mask names, one after the other: their places, and the first bytes of their words. */
static const int32_t chosen_places[16][4] = {
    {0, 0, 0, 0}, {0, 0, 0, 0}, {1, 0, 0, 0}, {0, 1, 0, 0}, {2, 0, 0, 0}, {0, 2, 0, 0}, {1, 2, 0, 0}, {0, 1, 2, 0},
    {3, 0, 0, 0}, {0, 3, 0, 0}, {1, 3, 0, 0}, {0, 1, 3, 0}, {2, 3, 0, 0}, {0, 2, 3, 0}, {1, 2, 3, 0}, {0, 1, 2, 3}};
#define FOUR(a, b, c, d) {4 * (a), 4 * (b), 4 * (c), 4 * (d)}
static const uint8_t chosen_bytes[16][4] = {FOUR(0, 0, 0, 0), FOUR(0, 0, 0, 0), FOUR(1, 0, 0, 0), FOUR(0, 1, 0, 0),
                                            FOUR(2, 0, 0, 0), FOUR(0, 2, 0, 0), FOUR(1, 2, 0, 0), FOUR(0, 1, 2, 0),
                                            FOUR(3, 0, 0, 0), FOUR(0, 3, 0, 0), FOUR(1, 3, 0, 0), FOUR(0, 1, 3, 0),
                                            FOUR(2, 3, 0, 0), FOUR(0, 2, 3, 0), FOUR(1, 2, 3, 0), FOUR(0, 1, 2, 3)};

/* Levels are within 127, so that no value is outside of what the instruction is defined for. */
static inline v128_t whole4(v128_t level) {
#ifdef __wasm_relaxed_simd__
  return wasm_i32x4_relaxed_trunc_f32x4(level);
#else
  return wasm_i32x4_trunc_sat_f32x4(level);
#endif
}

void list_levels(const struct list *to, const float *x, int32_t width, int32_t least, struct levels levels,
                 int32_t row) {
  const v128_t below = wasm_i32x4_splat(least - 1), zero = wasm_f32x4_const_splat(0);
  int32_t *indices = to->indices + row * to->keep, found = 0;
  int8_t *codes = to->codes + row * to->keep;
  v128_t most = zero;
  for (int32_t i = 0; i < width; i += 4) {
    const v128_t h = width - i >= 4 ? load4(x + i) : load_some(x + i, width - i);
    const v128_t level = wasm_v128_and(level4(h, levels), wasm_i32x4_gt(magnitude4(h), below));
    const uint32_t all = wasm_i32x4_bitmask(wasm_f32x4_ne(level, zero));
    const int32_t count = __builtin_popcount(all), room = to->keep - found;
    const v128_t order = wasm_v128_load(chosen_places[all]), chosen = wasm_i32x4_add(order, wasm_i32x4_splat(i));
    /* Byte 4 p of the whole numbers, for each place p. */
    const v128_t bytes = wasm_i8x16_swizzle(whole4(level), wasm_v128_load32_zero(chosen_bytes[all]));
    most = wasm_i32x4_max(most, magnitude4(level));
    if (room >= 4) {
      wasm_v128_store(indices + found, chosen);
      wasm_v128_store32_lane(codes + found, bytes, 0);
      found += count;
      continue;
    }
    for (int32_t c = 0; c < count && c < room; c++, found++) {
      indices[found] = ((const int32_t *)&chosen)[c];
      codes[found] = ((const int8_t *)&bytes)[c];
    }
  }
  /* The step that list_row finds in rows of such levels; 127 x may be infinite. */
  const float largest = float_of(max4_i32(most)) * wasm_f32x4_extract_lane(levels.step, 0);
  const int finite = bits_of(largest) < NOT_FINITE;
  to->scale[row] = finite ? wasm_f32x4_extract_lane(levels_of(largest).step, 0) : __builtin_nanf("");
  finish_list(to, row, found, finite ? found : 0);
}

void list_row(const struct list *to, const float *x, int32_t width, int32_t row) {
  int32_t *indices = to->indices + row * to->keep;
  const int32_t found = find_entries(x, indices, width, to->keep);
  if (to->values) {
    float *values = to->values + row * to->keep;
    for (int32_t j = 0; j < found; j++) values[j] = x[indices[j]];
    finish_list(to, row, found, found);
    return;
  }
  int8_t *codes = to->codes + row * to->keep;
  const int32_t largest = largest_magnitude(x, width);
  const int finite = largest < NOT_FINITE;
  const struct levels levels = levels_of(finite ? float_of(largest) : 1);
  to->scale[row] = finite ? wasm_f32x4_extract_lane(levels.step, 0) : __builtin_nanf("");
  if (finite) write_codes(codes, x, indices, found, levels.largest);
  finish_list(to, row, found, finite ? found : 0);
}

KERNEL(compact) {
  const struct range mine = part(a->rows, 1, thread, threads);
  const struct list to = {a->indices, a->values, a->codes, a->count, a->scale, a->keep};
  for (int32_t row = mine.begin; row < mine.end; row++) list_row(&to, a->x + row * a->width, a->width, row);
}
