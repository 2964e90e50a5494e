/*
 * ternary_gemm: ternary_gemv for many rows. The lists are written out as dense rows first; then, for 256 outputs and 128
 * inputs at a time, the 2-bit codes are unpacked to bytes, two channels interleaved, and multiplied with up to ROWS rows while
 * they are in the first cache. Sums of integers: the same bits as ternary_gemv.
 */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"

#define BLOCK 256
#define BLOCK_BYTES 64
#define INPUTS 128 /* whose sums fit 16 bits: 127 * 2 * 128 < 32768 */
#define PAIRS (INPUTS / 2)
#define ROWS 64    /* that share an unpacked tile */
#define TILE 16    /* outputs of the innermost product */
#define TILES (BLOCK / TILE)

struct ternary_gemm_args {
  const int32_t *indices;
  const int8_t *values;
  const int32_t *count;
  const float *scale;
  const uint8_t *w;
  const float *scales;
  const float *add;
  float *y;
  int8_t *dense;   /* [rows up to a multiple of 4, inputs up to a multiple of INPUTS] */
  int32_t *excess; /* [rows]: what the codes, which are weights plus one, make the sums too large by */
  int32_t *broken; /* [rows]: whether an index is outside of w */
  int32_t rows;
  int32_t keep;
  int32_t inputs;
  int32_t outputs;
};

static int32_t padded(int32_t n, int32_t multiple) { return (n + multiple - 1) / multiple * multiple; }

static void write_dense(const struct ternary_gemm_args *a, int32_t row) {
  const int32_t width = padded(a->inputs, INPUTS);
  int8_t *dense = a->dense + (size_t)row * (size_t)width;
  for (int32_t i = 0; i < width; i += 16) wasm_v128_store(dense + i, wasm_i32x4_const_splat(0));
  if (row >= a->rows) return;
  int32_t sum = 0, broken = 0;
  for (int32_t j = row * a->keep; j < row * a->keep + a->count[row]; j++) {
    if ((uint32_t)a->indices[j] >= (uint32_t)a->inputs) {
      broken = 1;
      continue;
    }
    dense[a->indices[j]] = a->values[j];
    sum += a->values[j];
  }
  a->excess[row] = sum;
  a->broken[row] = broken;
}

/* Codes of 16 bytes of two channels, interleaved: to[tile of 16 outputs][pair]. */
static inline void unpack16(const uint8_t *one, const uint8_t *two, uint8_t *to) {
  const v128_t codes = wasm_i8x16_const_splat(3);
  const v128_t a = wasm_v128_load(one), b = wasm_v128_load(two);
  const v128_t left = wasm_i8x16_shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const v128_t right = wasm_i8x16_shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#pragma unroll
  for (int32_t field = 0; field < 4; field++) {
    uint8_t *tile = to + field * (BLOCK_BYTES / TILE) * PAIRS * 2 * TILE;
    wasm_v128_store(tile, wasm_v128_and(wasm_u16x8_shr(left, 2 * field), codes));
    wasm_v128_store(tile + 16, wasm_v128_and(wasm_u16x8_shr(right, 2 * field), codes));
  }
}

/* INPUTS channels from `first` on of one block of outputs; past the end any channel does, since its activations are 0. */
static void unpack(const struct ternary_gemm_args *a, int32_t first, int32_t block, uint8_t *tiles) {
  const size_t stride = (size_t)padded(a->outputs, BLOCK) / 4;
  const uint8_t *w = a->w + (size_t)block * BLOCK_BYTES;
  for (int32_t p = 0; p < PAIRS; p++) {
    const int32_t one = first + 2 * p, last = a->inputs - 1;
    const uint8_t *even = w + (size_t)(one < last ? one : last) * stride;
    const uint8_t *odd = w + (size_t)(one + 1 < last ? one + 1 : last) * stride;
    for (int32_t b = 0; b < BLOCK_BYTES; b += 16)
      unpack16(even + b, odd + b, tiles + (b / TILE * PAIRS + p) * 2 * TILE);
  }
}

#ifdef __wasm_relaxed_simd__
/* Two products of eight outputs, added. */
#define PAIR_DOT(pair, weights) wasm_i16x8_relaxed_dot_i8x16_i7x16(pair, weights)
#else
static inline v128_t pair_dot(v128_t pair, v128_t weights) {
  const v128_t even = wasm_i16x8_mul(wasm_i16x8_shr(wasm_i16x8_shl(pair, 8), 8),
                                     wasm_v128_and(weights, wasm_i16x8_const_splat(255)));
  return wasm_i16x8_add(even, wasm_i16x8_mul(wasm_i16x8_shr(pair, 8), wasm_u16x8_shr(weights, 8)));
}
#define PAIR_DOT(pair, weights) pair_dot(pair, weights)
#endif

static inline void add_sums(int32_t *to, v128_t parts) {
  wasm_v128_store(to, wasm_i32x4_add(wasm_v128_load(to), wasm_i32x4_extend_low_i16x8(parts)));
  wasm_v128_store(to + 4, wasm_i32x4_add(wasm_v128_load(to + 4), wasm_i32x4_extend_high_i16x8(parts)));
}

#define ADD_ROW(x, low, high)                                  \
  pair = wasm_v128_load16_splat(x + 2 * p);                     \
  low = wasm_i16x8_add(low, PAIR_DOT(pair, left));             \
  high = wasm_i16x8_add(high, PAIR_DOT(pair, right))

/* Four rows times 16 outputs over INPUTS channels. */
static void product(const uint8_t *tile, const int8_t *x, size_t width, int32_t *sums) {
  const int8_t *x0 = x, *x1 = x + width, *x2 = x1 + width, *x3 = x2 + width;
  v128_t a0 = wasm_i32x4_const_splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
  for (int32_t p = 0; p < PAIRS; p++) {
    const v128_t left = wasm_v128_load(tile + p * 2 * TILE), right = wasm_v128_load(tile + p * 2 * TILE + 16);
    v128_t pair;
    ADD_ROW(x0, a0, a1);
    ADD_ROW(x1, b0, b1);
    ADD_ROW(x2, c0, c1);
    ADD_ROW(x3, d0, d1);
  }
  add_sums(sums, a0), add_sums(sums + 8, a1);
  add_sums(sums + BLOCK, b0), add_sums(sums + BLOCK + 8, b1);
  add_sums(sums + 2 * BLOCK, c0), add_sums(sums + 2 * BLOCK + 8, c1);
  add_sums(sums + 3 * BLOCK, d0), add_sums(sums + 3 * BLOCK + 8, d1);
}

static void finish(const struct ternary_gemm_args *a, int32_t row, int32_t block, const int32_t *sums) {
  const int32_t first = block * BLOCK, rest = a->outputs - first, n = rest < BLOCK ? rest : BLOCK;
  const size_t at = (size_t)row * (size_t)a->outputs + (size_t)first;
  const v128_t scale = wasm_f32x4_splat(a->broken[row] ? __builtin_nanf("") : a->scale[row]);
  const v128_t excess = wasm_i32x4_splat(a->excess[row]);
  const float *scales = a->scales + first, *add = a->add ? a->add + at : 0;
  float *y = a->y + at;
  for (int32_t i = 0; i < n; i += 4) {
    const int whole = n - i >= 4;
    const v128_t factors = whole ? load4(scales + i) : load_some(scales + i, n - i);
    const v128_t sum = wasm_f32x4_convert_i32x4(wasm_i32x4_sub(wasm_v128_load(sums + i), excess));
    v128_t product = wasm_f32x4_mul(sum, wasm_f32x4_mul(factors, scale));
    if (add) product = wasm_f32x4_add(product, whole ? load4(add + i) : load_some(add + i, n - i));
    if (whole) store4(y + i, product);
    else store_some(y + i, product, n - i);
  }
}

_Static_assert(TILES * PAIRS * 2 * TILE + ROWS * BLOCK * 4 <= THREAD_SCRATCH_BYTES, "a tile and its sums must fit");

KERNEL(ternary_gemm) {
  const int32_t rows = padded(a->rows, 4), width = padded(a->inputs, INPUTS);
  for (int32_t row = thread; row < rows; row += threads) write_dense(a, row);
  barrier(thread, threads);
  uint8_t *tiles = thread_scratch(thread);
  int32_t *sums = (int32_t *)(tiles + TILES * PAIRS * 2 * TILE);
  const int32_t blocks = padded(a->outputs, BLOCK) / BLOCK, chunks = (rows + ROWS - 1) / ROWS;
  for (int32_t unit; (unit = claim(0)) < blocks * chunks;) {
    const int32_t block = unit % blocks, begin = unit / blocks * ROWS;
    const int32_t n = rows - begin < ROWS ? rows - begin : ROWS;
    for (int32_t i = 0; i < n * BLOCK; i += 4) wasm_v128_store(sums + i, wasm_i32x4_const_splat(0));
    for (int32_t first = 0; first < width; first += INPUTS) {
      unpack(a, first, block, tiles);
      for (int32_t row = 0; row < n; row += 4) {
        const int8_t *x = a->dense + (size_t)(begin + row) * (size_t)width + first;
        for (int32_t tile = 0; tile < TILES; tile++)
          product(tiles + tile * PAIRS * 2 * TILE, x, (size_t)width, sums + row * BLOCK + tile * TILE);
      }
    }
    for (int32_t row = begin; row < begin + n && row < a->rows; row++)
      finish(a, row, block, sums + (row - begin) * BLOCK);
  }
}
