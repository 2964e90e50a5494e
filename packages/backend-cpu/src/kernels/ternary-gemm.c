/*
 * ternary_gemm: ternary_gemv for many rows. The lists are written out as dense rows first, four rows interleaved; then,
 * for 64 outputs and up to 256 inputs at a time, the 2-bit codes are unpacked to bytes, four channels interleaved, and
 * multiplied with up to ROWS rows while they are in the first cache. Four bytes of a row or an output lie together,
 * since a load that repeats a word of four bytes is one operation, and of two bytes two. Sums of integers: the same
 * bits as ternary_gemv.
 */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"

#define BLOCK 256
#define BLOCK_BYTES 64
#define QUAD 4      /* inputs that lie together; and rows */
#define QUADS 64    /* of a tile, whose sums fit 16 bits: 127 * 2 * 2 * 64 < 32768 */
#define INPUTS (QUADS * QUAD)
#define STRIP 16    /* bytes of a channel that are unpacked at a time */
#define FIELDS 4    /* outputs of a byte, BLOCK_BYTES apart */
#define ROWS 128    /* that share an unpacked tile */
#define FEW_ROWS 64 /* where a thread had less than two units of work otherwise */
#define TILE 8      /* outputs of the innermost product */
#define TILE_BYTES (TILE * INPUTS)
#define TILES (STRIP * FIELDS / TILE)

struct ternary_gemm_args {
  const int32_t *indices;
  const int8_t *values;
  const int32_t *count;
  const float *scale;
  const uint8_t *w;
  const float *scales;
  const float *add;
  float *y;
  int8_t *dense;   /* [rows / 4][inputs / 4][4 rows][4 inputs], both rounded up */
  int32_t *excess; /* [rows]: what the codes, which are weights plus one, make the sums too large by */
  int32_t *broken; /* [rows]: whether an index is outside of w */
  int32_t rows;
  int32_t keep;
  int32_t inputs;
  int32_t outputs;
};

static int32_t padded(int32_t n, int32_t multiple) { return (n + multiple - 1) / multiple * multiple; }

/* Four rows from `row` on. */
static void write_dense(const struct ternary_gemm_args *a, int32_t row) {
  const int32_t width = padded(a->inputs, QUAD);
  int8_t *dense = a->dense + (size_t)row * (size_t)width;
  for (int32_t i = 0; i < width * QUAD; i += 16) wasm_v128_store(dense + i, wasm_i32x4_const_splat(0));
  for (int32_t r = 0; r < QUAD && row + r < a->rows; r++) {
    const int32_t first = (row + r) * a->keep, end = first + a->count[row + r];
    int8_t *to = dense + r * QUAD;
    int32_t sum = 0, broken = 0;
    for (int32_t j = first; j < end; j++) {
      const uint32_t at = (uint32_t)a->indices[j];
      if (at >= (uint32_t)a->inputs) {
        broken = 1;
        continue;
      }
      to[at / QUAD * (QUAD * QUAD) + at % QUAD] = a->values[j];
      sum += a->values[j];
    }
    a->excess[row + r] = sum;
    a->broken[row + r] = broken;
  }
}

/* Codes of 16 outputs of one field, four channels interleaved: two tiles, each [quad][TILE][4 channels]. */
static inline void write_codes(uint8_t *to, v128_t o0, v128_t o4, v128_t o8, v128_t o12, int32_t shift) {
  const v128_t codes = wasm_i8x16_const_splat(3);
  wasm_v128_store(to, wasm_v128_and(wasm_u16x8_shr(o0, shift), codes));
  wasm_v128_store(to + 16, wasm_v128_and(wasm_u16x8_shr(o4, shift), codes));
  wasm_v128_store(to + TILE_BYTES, wasm_v128_and(wasm_u16x8_shr(o8, shift), codes));
  wasm_v128_store(to + TILE_BYTES + 16, wasm_v128_and(wasm_u16x8_shr(o12, shift), codes));
}

#define LOW_BYTES(a, b) wasm_i8x16_shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH_BYTES(a, b) wasm_i8x16_shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#define LOW_PAIRS(a, b) wasm_i16x8_shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define HIGH_PAIRS(a, b) wasm_i16x8_shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15)

/* `quads` times 4 channels from `first` on of a strip; past the end any channel does, since its activations are 0. */
static void unpack(const struct ternary_gemm_args *a, int32_t first, int32_t quads, const uint8_t *strip,
                   uint8_t *tiles) {
  const size_t stride = (size_t)padded(a->outputs, BLOCK) / 4;
  const int32_t last = a->inputs - 1;
  for (int32_t q = 0; q < quads; q++, first += QUAD, tiles += TILE * QUAD) {
    const uint8_t *w = strip + (size_t)first * stride;
    const size_t rest = (size_t)(last - first);
    const v128_t c0 = wasm_v128_load(w), c1 = wasm_v128_load(w + (rest < 1 ? rest : 1) * stride);
    const v128_t c2 = wasm_v128_load(w + (rest < 2 ? rest : 2) * stride);
    const v128_t c3 = wasm_v128_load(w + (rest < 3 ? rest : 3) * stride);
    const v128_t a0 = LOW_BYTES(c0, c1), a8 = HIGH_BYTES(c0, c1), b0 = LOW_BYTES(c2, c3), b8 = HIGH_BYTES(c2, c3);
    const v128_t o0 = LOW_PAIRS(a0, b0), o4 = HIGH_PAIRS(a0, b0), o8 = LOW_PAIRS(a8, b8), o12 = HIGH_PAIRS(a8, b8);
#pragma unroll
    for (int32_t field = 0; field < FIELDS; field++)
      write_codes(tiles + field * STRIP / TILE * TILE_BYTES, o0, o4, o8, o12, 2 * field);
  }
}

#ifdef __wasm_relaxed_simd__
/* Eight sums of two products each. */
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
  wasm_v128_store(to, wasm_i32x4_add(wasm_v128_load(to), wasm_i32x4_extadd_pairwise_i16x8(parts)));
}

#define ADD_ROW(row, low, high)                     \
  word = wasm_v128_load32_splat(x + row * QUAD);    \
  low = wasm_i16x8_add(low, PAIR_DOT(word, left)); \
  high = wasm_i16x8_add(high, PAIR_DOT(word, right))

/* Four rows times TILE outputs over `quads` times 4 channels. */
static void product(const uint8_t *tile, const int8_t *x, int32_t quads, int32_t *sums) {
  v128_t a0 = wasm_i32x4_const_splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
  for (int32_t q = 0; q < quads; q++, tile += TILE * QUAD, x += QUAD * QUAD) {
    const v128_t left = wasm_v128_load(tile), right = wasm_v128_load(tile + 16);
    v128_t word;
    ADD_ROW(0, a0, a1);
    ADD_ROW(1, b0, b1);
    ADD_ROW(2, c0, c1);
    ADD_ROW(3, d0, d1);
  }
  add_sums(sums, a0), add_sums(sums + 4, a1);
  add_sums(sums + BLOCK, b0), add_sums(sums + BLOCK + 4, b1);
  add_sums(sums + 2 * BLOCK, c0), add_sums(sums + 2 * BLOCK + 4, c1);
  add_sums(sums + 3 * BLOCK, d0), add_sums(sums + 3 * BLOCK + 4, d1);
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

_Static_assert(TILES * TILE_BYTES + ROWS * BLOCK * 4 <= THREAD_SCRATCH_BYTES, "tiles and sums must fit");

KERNEL(ternary_gemm) {
  const int32_t rows = padded(a->rows, QUAD), width = padded(a->inputs, QUAD);
  for (int32_t row = thread * QUAD; row < rows; row += threads * QUAD) write_dense(a, row);
  barrier(thread, threads);
  uint8_t *tiles = thread_scratch(thread);
  int32_t *sums = (int32_t *)(tiles + TILES * TILE_BYTES);
  const int32_t blocks = padded(a->outputs, BLOCK) / BLOCK;
  const int32_t share = blocks * ((rows + ROWS - 1) / ROWS) < 2 * threads ? FEW_ROWS : ROWS;
  const int32_t chunks = (rows + share - 1) / share;
  for (int32_t unit; (unit = claim(0)) < blocks * chunks;) {
    const int32_t block = unit % blocks, begin = unit / blocks * share;
    const int32_t n = rows - begin < share ? rows - begin : share;
    for (int32_t i = 0; i < n * BLOCK; i += 4) wasm_v128_store(sums + i, wasm_i32x4_const_splat(0));
    for (int32_t first = 0; first < width; first += INPUTS) {
      const int32_t quads = width - first < INPUTS ? (width - first) / QUAD : QUADS;
      for (int32_t strip = 0; strip < BLOCK_BYTES; strip += STRIP) {
        unpack(a, first, quads, a->w + (size_t)block * BLOCK_BYTES + strip, tiles);
        for (int32_t row = 0; row < n; row += QUAD) {
          const int8_t *x = a->dense + (size_t)(begin + row) * (size_t)width + first * QUAD;
          for (int32_t tile = 0; tile < TILES; tile++)
            product(tiles + tile * TILE_BYTES, x, quads,
                    sums + row * BLOCK + tile / 2 * BLOCK_BYTES + strip + tile % 2 * TILE);
        }
      }
    }
    for (int32_t row = begin; row < begin + n && row < a->rows; row++)
      finish(a, row, block, sums + (row - begin) * BLOCK);
  }
}
