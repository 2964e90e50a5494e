/* select: the 0 / 1 mask of the `keep` largest magnitudes of each row or block; NaN for a row that is not finite. */
#include "../runtime/kernel.h"
#include "selection.h"

struct select_args {
  const float *x;
  float *mask;
  int32_t rows;
  int32_t width;
  int32_t keep;
  int32_t block;
};

KERNEL(select) {
  const struct range r = part(a->rows, 1, thread, threads);
  const int32_t width = a->width, length = a->block > 0 ? a->block : width;
  struct hint hint = NO_HINT;
  for (int32_t row = r.begin; row < r.end; row++) {
    const float *x = a->x + row * width;
    float *mask = a->mask + row * width;
    const struct magnitudes of_row = magnitudes_of(x, width);
    if (of_row.largest >= NOT_FINITE || a->keep == length) {
      fill_floats(mask, of_row.largest >= NOT_FINITE ? __builtin_nanf("") : 1, width);
      continue;
    }
    for (int32_t first = 0; first < width; first += length <= RANKED_BLOCK ? 4 * length : length) {
      if (length <= RANKED_BLOCK) {
        const int32_t blocks = (width - first) / length;
        rank_blocks(mask + first, x + first, blocks < 4 ? blocks : 4, length, a->keep);
        continue;
      }
      const int32_t largest = length == width ? of_row.largest : largest_magnitude(x + first, length);
      struct cut cut = find_cut(x + first, length, a->keep, largest, of_row.sum / (float)width, &hint);
      write_cut(mask + first, x + first, length, &cut);
    }
  }
}
