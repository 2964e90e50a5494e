/*
 * sparsify: y = h * mask or int8(h) * mask, h = x or its RMSNorm, a row at a time while it is in the first cache: h
 * goes to y, the cut is searched there, and what is dropped is overwritten with 0. A row with NaN or infinity becomes
 * NaN.
 */
#include "../runtime/kernel.h"
#include "row-norm.h"
#include "row-sparsify.h"
#include "selection.h"

struct sparsify_args {
  const float *x;
  const float *weight;
  float *y;
  float *inverse_rms;
  int32_t rows;
  int32_t width;
  int32_t keep;
  int32_t block;
  int32_t int8;
  int32_t normalize;
  float epsilon;
};

/* h of a row into y, which may be x, and what find_cut wants to know of it. */
static struct magnitudes prepare_row(const struct site *a, const float *x, float *y, float *inverse) {
  const v128_t scale = wasm_f32x4_splat(a->normalize ? *inverse = inverse_rms(x, a->width, a->epsilon) : 1);
  const v128_t one = wasm_f32x4_const_splat(1);
  const int32_t width = a->width, normalize = a->normalize;
  const float *weight = a->weight;
  v128_t sum = wasm_f32x4_const_splat(0), largest = sum;
  int32_t i = 0;
  for (; i + 4 <= width; i += 4) {
    v128_t h = load4(x + i);
    if (normalize) h = normalized4(h, scale, weight ? load4(weight + i) : one);
    store4(y + i, h);
    sum = wasm_f32x4_add(sum, magnitude4(h));
    largest = wasm_i32x4_max(largest, magnitude4(h));
  }
  if (i < width) {
    v128_t h = load_some(x + i, width - i);
    if (normalize) h = normalized4(h, scale, weight ? load_some(weight + i, width - i) : one);
    store_some(y + i, h, width - i);
    sum = wasm_f32x4_add(sum, magnitude4(h));
    largest = wasm_i32x4_max(largest, magnitude4(h));
  }
  return (struct magnitudes){sum4(sum), max4_i32(largest)};
}

/* y = level or value of y where the mask is 1, else 0. */
static void apply_mask(float *y, const float *mask, int32_t n, int int8, struct levels levels) {
  const v128_t zero = wasm_f32x4_const_splat(0);
  int32_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const v128_t h = load4(y + i);
    store4(y + i, wasm_v128_and(int8 ? to_levels4(h, levels) : h, wasm_f32x4_gt(load4(mask + i), zero)));
  }
  const v128_t h = load_some(y + i, n - i);
  store_some(y + i, wasm_v128_and(int8 ? to_levels4(h, levels) : h, wasm_f32x4_gt(load_some(mask + i, n - i), zero)),
             n - i);
}

/* y = level or value of y for magnitudes of at least `least`, else 0. */
static void apply_cut(float *y, int32_t n, int32_t least, int int8, struct levels levels) {
  const v128_t below = wasm_i32x4_splat(least - 1);
  int32_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const v128_t h = load4(y + i);
    store4(y + i, wasm_v128_and(int8 ? to_levels4(h, levels) : h, wasm_i32x4_gt(magnitude4(h), below)));
  }
  const v128_t h = load_some(y + i, n - i);
  store_some(y + i, wasm_v128_and(int8 ? to_levels4(h, levels) : h, wasm_i32x4_gt(magnitude4(h), below)), n - i);
}

int sparsify_row(const struct site *a, const float *x, float *y, float *inverse, float *mask, struct hint *hint,
                 const struct list *list, int32_t row) {
  const int32_t length = a->block > 0 ? a->block : a->width;
  const struct magnitudes of_row = prepare_row(a, x, y, inverse);
  if (of_row.largest >= NOT_FINITE) {
    fill_floats(y, __builtin_nanf(""), a->width);
    return 0;
  }
  const struct levels levels = levels_of(float_of(of_row.largest));
  const int listed = list && a->int8;
  if (a->keep == length) {
    if (listed) return list_levels(list, y, a->width, 0, levels, row), 1;
    apply_cut(y, a->width, 0, a->int8, levels);
  } else if (length <= RANKED_BLOCK) {
    for (int32_t first = 0; first < a->width; first += 4 * length) {
      const int32_t blocks = (a->width - first) / length < 4 ? (a->width - first) / length : 4;
      rank_blocks(mask, y + first, blocks, length, a->keep);
      apply_mask(y + first, mask, blocks * length, a->int8, levels);
    }
  } else {
    const float mean = of_row.sum / (float)a->width;
    for (int32_t first = 0; first < a->width; first += length) {
      const int32_t top = length == a->width ? of_row.largest : largest_magnitude(y + first, length);
      struct cut cut = find_cut(y + first, length, a->keep, top, mean, hint);
      if (cut.ties == 0 || cut.above == 1) { /* which zeros are kept does not show */
        if (listed && length == a->width) return list_levels(list, y, length, cut.above, levels, row), 1;
        apply_cut(y + first, length, cut.above, a->int8, levels);
        continue;
      }
      for (int32_t i = 0; i < length; i += MASK_PIECE) {
        const int32_t here = length - i < MASK_PIECE ? length - i : MASK_PIECE;
        write_cut(mask, y + first + i, here, &cut);
        apply_mask(y + first + i, mask, here, a->int8, levels);
      }
    }
  }
  return 0;
}

KERNEL(sparsify) {
  const struct range mine = part(a->rows, 1, thread, threads);
  const struct site site = {a->weight, a->width, a->keep, a->block, a->int8, a->normalize, a->epsilon};
  struct hint hint = NO_HINT;
  for (int32_t row = mine.begin; row < mine.end; row++) {
    const int32_t first = row * a->width;
    sparsify_row(&site, a->x + first, a->y + first, a->inverse_rms + row, thread_scratch(thread), &hint, 0, 0);
  }
}
