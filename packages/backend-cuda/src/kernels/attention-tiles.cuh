/**
 * Tiles of attention on tensor cores: rows of WIDTH bf16 in shared memory, their 16-byte chunks placed by XOR so that
 * the eight rows of a matrix load are in different banks; copies into them, fragments out of them, their products.
 */
#pragma once
#include "tensor-core.cuh"

/** What the place of a chunk is changed by. Lines of shared memory are 128 bytes: 64 elements, or two odd halves. */
template <int WIDTH>
DEVICE int chunk_turn(int row) {
  return WIDTH % 64 == 0 ? row & 7 : (row >> 1) & 3;
}

/** Byte offset of 8 elements of a row. */
template <int WIDTH>
DEVICE u32 chunk_offset(int row, int chunk) {
  return row * (WIDTH * 2) + ((chunk ^ chunk_turn<WIDTH>(row)) << 4);
}

/**
 * What this lane adds to the byte offsets of matrix loads. Of the four matrices of a load the second is DOWN the rows
 * from the first, the third beside it; or the other way round.
 */
template <int WIDTH, bool DOWN>
struct LanePlace {
  u32 row;
  u32 turned;
  DEVICE LanePlace() {
    const int matrix = lane_index() >> 3;
    const int below = (lane_index() & 7) + 8 * (DOWN ? matrix & 1 : matrix >> 1);
    row = below * (WIDTH * 2);
    turned = ((DOWN ? matrix >> 1 : matrix & 1) ^ chunk_turn<WIDTH>(below)) << 4;
  }
  /** Of the 16 x 16 elements at `down` and `across`, multiples of 16. */
  DEVICE u32 at(int down, int across) const { return row + down * (WIDTH * 2) + (turned ^ (across * 2)); }
};

/** Starts to copy ROWS rows, of which `count` exist, to a tile; the others become zeros. `stride` counts elements. */
template <int WIDTH, int ROWS, int THREADS>
DEVICE void copy_rows(unsigned char* to, const bf16* from, int stride, int count) {
  constexpr int CHUNKS = WIDTH / 8;
  constexpr int ALL = ROWS * CHUNKS;
#pragma unroll
  for (int i = 0; i < (ALL + THREADS - 1) / THREADS; i++) {
    const int index = threadIdx.x + i * THREADS;
    const int row = index / CHUNKS;
    const int chunk = index % CHUNKS;
    if (ALL % THREADS != 0 && index >= ALL) break;
    copy_async(to + chunk_offset<WIDTH>(row, chunk), from + (row * stride + chunk * 8), row < count);
  }
}

/** Writes the fragments of a result [16 · ROW_TILES, WIDTH], times `factors` of its rows, to a tile at row `first`. */
template <int WIDTH, int ROW_TILES>
DEVICE void store_fragments(unsigned char* to, int first, const float (&values)[ROW_TILES][WIDTH / 8][4],
                            const float (&factors)[ROW_TILES][2]) {
#pragma unroll
  for (int m = 0; m < ROW_TILES; m++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int row = first + m * 16 + half * 8 + (lane_index() >> 2);
#pragma unroll
      for (int n = 0; n < WIDTH / 8; n++) {
        const u32 pair = pack_bf16(values[m][n][half * 2] * factors[m][half],
                                   values[m][n][half * 2 + 1] * factors[m][half]);
        *reinterpret_cast<u32*>(to + chunk_offset<WIDTH>(row, n) + (lane_index() & 3) * 4) = pair;
      }
    }
  }
}

/** A warp writes ROWS rows of a tile from row `first` on, of which `count` exist, to global memory. */
template <int WIDTH, int ROWS>
DEVICE void write_rows(bf16* to, int stride, const unsigned char* tile, int first, int count) {
  constexpr int CHUNKS = WIDTH / 8;
#pragma unroll
  for (int i = 0; i < ROWS * CHUNKS / 32; i++) {
    const int index = lane_index() + i * 32;
    const int row = index / CHUNKS;
    const int chunk = index % CHUNKS;
    if (row >= count) continue;
    const bf16* from = reinterpret_cast<const bf16*>(tile + chunk_offset<WIDTH>(first + row, chunk));
    store_vector<8>(to + (row * stride + chunk * 8), load_vector<8>(from));
  }
}

template <int ROW_TILES, int COLUMNS>
DEVICE void clear(float (&values)[ROW_TILES][COLUMNS][4]) {
#pragma unroll
  for (int m = 0; m < ROW_TILES; m++)
#pragma unroll
    for (int n = 0; n < COLUMNS; n++)
#pragma unroll
      for (int i = 0; i < 4; i++) values[m][n][i] = 0;
}

/** left [16 · ROW_TILES, 16] times the two [16, 8] that one matrix load brought, added to columns `n` and `n + 1`. */
template <int ROW_TILES, int COLUMNS>
DEVICE void add_product(float (&sums)[ROW_TILES][COLUMNS][4], int n, const u32 (&left)[ROW_TILES][4],
                        const u32 (&right)[4]) {
  const u32 first[2] = {right[0], right[1]};
  const u32 second[2] = {right[2], right[3]};
#pragma unroll
  for (int m = 0; m < ROW_TILES; m++) {
    mma_bf16(sums[m][n], left[m], first);
    mma_bf16(sums[m][n + 1], left[m], second);
  }
}

/** Columns [16 k, 16 k + 16) of a result, rounded, as the left operand of the next product. */
template <int ROW_TILES, int COLUMNS>
DEVICE void as_left(u32 (&left)[ROW_TILES][4], const float (&values)[ROW_TILES][COLUMNS][4], int k) {
#pragma unroll
  for (int m = 0; m < ROW_TILES; m++) {
#pragma unroll
    for (int side = 0; side < 2; side++) {
      const float(&from)[4] = values[m][2 * k + side];
      left[m][2 * side] = pack_bf16(from[0], from[1]);
      left[m][2 * side + 1] = pack_bf16(from[2], from[3]);
    }
  }
}

/** Rows of a tile as left operands, columns [d, d + 16). */
template <int WIDTH, int ROW_TILES>
DEVICE void load_left(u32 (&left)[ROW_TILES][4], const unsigned char* tile, const LanePlace<WIDTH, true>& down, int row,
                      int d) {
#pragma unroll
  for (int m = 0; m < ROW_TILES; m++) load_matrices(left[m], tile + down.at(row + m * 16, d));
}

/** products = the rows of `left` from `row` on, times the rows of `right` from `first` on, transposed. */
template <int WIDTH, int ROW_TILES, int COLUMNS>
DEVICE void multiply_rows(float (&products)[ROW_TILES][COLUMNS][4], const unsigned char* left, int row,
                          const unsigned char* right, int first, const LanePlace<WIDTH, true>& down,
                          const LanePlace<WIDTH, false>& across) {
  clear(products);
#pragma unroll
  for (int d = 0; d < WIDTH; d += 16) {
    u32 rows[ROW_TILES][4];
    load_left(rows, left, down, row, d);
#pragma unroll
    for (int n = 0; n < COLUMNS * 8; n += 16) {
      u32 columns[4];
      load_matrices(columns, right + across.at(first + n, d));
      add_product(products, n / 8, rows, columns);
    }
  }
}

/** sums += left [16 · ROW_TILES, 16] times 16 rows of `tile` from `first` on. */
template <int WIDTH, int ROW_TILES>
DEVICE void add_rows(float (&sums)[ROW_TILES][WIDTH / 8][4], const u32 (&left)[ROW_TILES][4], const unsigned char* tile,
                     int first, const LanePlace<WIDTH, true>& down) {
#pragma unroll
  for (int d = 0; d < WIDTH; d += 16) {
    u32 right[4];
    load_matrices_transposed(right, tile + down.at(first, d));
    add_product(sums, d / 8, left, right);
  }
}
