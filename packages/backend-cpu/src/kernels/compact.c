/*
 * compact: the entries of each row that are not zero, as a list in ascending order, with their values or, for rows on
 * int8 levels, the levels. A row is one thread's; places after the last entry are 0.
 */
#include "../runtime/kernel.h"
#include "row-int8.h"
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
    for (uint32_t mask = wasm_i32x4_bitmask(wasm_f32x4_ne(four, zero)); mask != 0 && found < keep; mask &= mask - 1)
      indices[found++] = i + __builtin_ctz(mask);
  }
  return found;
}

KERNEL(compact) {
  const struct range mine = part(a->rows, 1, thread, threads);
  for (int32_t row = mine.begin; row < mine.end; row++) {
    const float *x = a->x + row * a->width;
    int32_t *indices = a->indices + row * a->keep;
    const int32_t found = find_entries(x, indices, a->width, a->keep);
    a->count[row] = found;
    for (int32_t j = found; j < a->keep; j++) indices[j] = 0;
    if (a->values) {
      float *values = a->values + row * a->keep;
      for (int32_t j = 0; j < found; j++) values[j] = x[indices[j]];
      for (int32_t j = found; j < a->keep; j++) values[j] = 0;
      continue;
    }
    int8_t *codes = a->codes + row * a->keep;
    const int32_t largest = largest_magnitude(x, a->width);
    const int finite = largest < NOT_FINITE;
    const struct levels levels = levels_of(finite ? float_of(largest) : 1);
    a->scale[row] = finite ? wasm_f32x4_extract_lane(levels.step, 0) : __builtin_nanf("");
    for (int32_t j = 0; j < found && finite; j++) {
      const float level = __builtin_rintf(x[indices[j]] * 127 / wasm_f32x4_extract_lane(levels.largest, 0));
      codes[j] = (int8_t)(level > 127 ? 127 : level < -127 ? -127 : level); /* infinite where 127 x is */
    }
    for (int32_t j = finite ? found : 0; j < a->keep; j++) codes[j] = 0;
  }
}
