/*
 * permute: elements of 1, 2 or 4 bytes in a new order of dimensions. permute.ts merges dimensions that stay together,
 * so two cases are left: the last dimension stays last (permute_rows: whole runs move), or it does not
 * (permute_tiles: a batch of matrix transposes, done in small tiles so that reads and writes both use whole cache lines).
 * Sizes and strides count elements.
 */
#include "blocks.h"
#include "../runtime/simd.h"

/* y is dense, row-major over [size0, size1, size2, size3, width]; stride_k is how far a step of size_k goes in x. */
struct permute_rows_args {
  const void *x;
  void *y;
  int32_t size0;
  int32_t size1;
  int32_t size2;
  int32_t size3;
  int32_t stride0;
  int32_t stride1;
  int32_t stride2;
  int32_t stride3;
  int32_t width;
  int32_t element_bytes;
};

KERNEL(permute_rows) {
  const uint32_t element = (uint32_t)a->element_bytes, bytes = (uint32_t)a->width * element;
  const struct range r = part(a->size0 * a->size1 * a->size2 * a->size3, 1, thread, threads);
  int32_t i3 = r.begin % a->size3, rest = r.begin / a->size3;
  int32_t i2 = rest % a->size2, i1 = rest / a->size2 % a->size1, i0 = rest / a->size2 / a->size1;
  char *y = (char *)a->y + (uint32_t)r.begin * bytes;
  for (int32_t row = r.begin; row < r.end; row++, y += bytes) {
    const int32_t first = i0 * a->stride0 + i1 * a->stride1 + i2 * a->stride2 + i3 * a->stride3;
    copy_bytes(y, (const char *)a->x + (uint32_t)first * element, bytes);
    if (++i3 < a->size3) continue;
    i3 = 0;
    if (++i2 < a->size2) continue;
    i2 = 0;
    if (++i1 < a->size1) continue;
    i1 = 0;
    i0++;
  }
}

/*
 * For every (i0, i1, i2): y[.. + i * y_stride + j] = x[.. + j * x_stride + i], i < columns, j < rows: x holds a
 * [rows, columns] matrix, y its transpose.
 */
struct permute_tiles_args {
  const void *x;
  void *y;
  int32_t size0;
  int32_t size1;
  int32_t size2;
  int32_t x_stride0;
  int32_t x_stride1;
  int32_t x_stride2;
  int32_t y_stride0;
  int32_t y_stride1;
  int32_t y_stride2;
  int32_t rows;
  int32_t columns;
  int32_t x_stride;
  int32_t y_stride;
  int32_t element_bytes;
};

/*
 * A tile of SIDE x SIDE elements goes through a buffer: lines of x are read whole, lines of y are written whole. Without
 * it the lines of a tile push each other out of the nearest cache when strides are powers of two.
 */
#define SIDE 32

static inline void transpose4(const float *x, float *y, int32_t y_stride) {
  const v128_t r0 = load4(x), r1 = load4(x + SIDE), r2 = load4(x + 2 * SIDE), r3 = load4(x + 3 * SIDE);
  const v128_t a = wasm_i32x4_shuffle(r0, r1, 0, 4, 1, 5), b = wasm_i32x4_shuffle(r2, r3, 0, 4, 1, 5);
  const v128_t c = wasm_i32x4_shuffle(r0, r1, 2, 6, 3, 7), d = wasm_i32x4_shuffle(r2, r3, 2, 6, 3, 7);
  store4(y, wasm_i64x2_shuffle(a, b, 0, 2));
  store4(y + y_stride, wasm_i64x2_shuffle(a, b, 1, 3));
  store4(y + 2 * y_stride, wasm_i64x2_shuffle(c, d, 0, 2));
  store4(y + 3 * y_stride, wasm_i64x2_shuffle(c, d, 1, 3));
}

/* y[i, j] = x[j, i] of a buffered tile, element by element: edges, and dtypes of 1 and 2 bytes. */
#define TRANSPOSE_ELEMENTS(name, type)                                                                   \
  static void name(const type *x, type *y, int32_t rows, int32_t columns, int32_t y_stride) {            \
    for (int32_t i = 0; i < columns; i++)                                                                \
      for (int32_t j = 0; j < rows; j++) y[i * y_stride + j] = x[j * SIDE + i];                          \
  }

TRANSPOSE_ELEMENTS(transpose_bytes, uint8_t)
TRANSPOSE_ELEMENTS(transpose_halves, uint16_t)
TRANSPOSE_ELEMENTS(transpose_words, float)

static void transpose_floats(const float *x, float *y, int32_t rows, int32_t columns, int32_t y_stride) {
  const int32_t whole_rows = rows & ~3, whole_columns = columns & ~3;
  for (int32_t i = 0; i < whole_columns; i += 4)
    for (int32_t j = 0; j < whole_rows; j += 4) transpose4(x + j * SIDE + i, y + i * y_stride + j, y_stride);
  transpose_words(x + whole_rows * SIDE, y + whole_rows, rows - whole_rows, whole_columns, y_stride);
  transpose_words(x + whole_columns, y + whole_columns * y_stride, rows, columns - whole_columns, y_stride);
}

KERNEL(permute_tiles) {
  const uint32_t element = (uint32_t)a->element_bytes;
  const int32_t row_tiles = (a->rows + SIDE - 1) / SIDE, column_tiles = (a->columns + SIDE - 1) / SIDE;
  const struct range r = part(a->size0 * a->size1 * a->size2 * row_tiles * column_tiles, 1, thread, threads);
  for (int32_t t = r.begin; t < r.end; t++) {
    /* Row tiles innermost: writes go on along the rows of y. */
    const int32_t matrix = t / row_tiles / column_tiles;
    const int32_t j = t % row_tiles * SIDE, i = t / row_tiles % column_tiles * SIDE;
    const int32_t i2 = matrix % a->size2, i1 = matrix / a->size2 % a->size1, i0 = matrix / a->size2 / a->size1;
    const int32_t from = i0 * a->x_stride0 + i1 * a->x_stride1 + i2 * a->x_stride2 + j * a->x_stride + i;
    const int32_t to = i0 * a->y_stride0 + i1 * a->y_stride1 + i2 * a->y_stride2 + i * a->y_stride + j;
    const int32_t rows = a->rows - j < SIDE ? a->rows - j : SIDE;
    const int32_t columns = a->columns - i < SIDE ? a->columns - i : SIDE;
    const char *x = (const char *)a->x + (uint32_t)from * element;
    char *y = (char *)a->y + (uint32_t)to * element;
    _Alignas(64) char tile[SIDE * SIDE * 4];
    for (int32_t row = 0; row < rows; row++)
      copy_bytes(tile + (uint32_t)row * SIDE * element, x + (uint32_t)row * (uint32_t)a->x_stride * element,
                 (uint32_t)columns * element);
    if (element == 4)
      transpose_floats((const float *)(const void *)tile, (float *)(void *)y, rows, columns, a->y_stride);
    else if (element == 2)
      transpose_halves((const uint16_t *)(const void *)tile, (uint16_t *)(void *)y, rows, columns, a->y_stride);
    else
      transpose_bytes((const uint8_t *)(const void *)tile, (uint8_t *)(void *)y, rows, columns, a->y_stride);
  }
}
