/**
 * The matrix product of bf16 on tensor cores: a block of 4 warps makes 128 x 128 of the result, a warp 64 x 64, from
 * pieces 32 deep that are copied three stages ahead. Sums are float32.
 *
 * An operand lies in memory along k (a as it is, b transposed) or along its rows or columns of the result. Either way
 * its piece takes 8 KiB of shared memory in its own order, and the matrix loads transpose where they must. 16-byte
 * chunks are placed by XOR, so that the eight rows of a matrix load are in different banks.
 */
#pragma once
#include "matmul-result.cuh"
#include "tensor-core.cuh"

constexpr int TENSOR_THREADS = 128;
constexpr int TENSOR_DEPTH = 32;
constexpr int TENSOR_STAGES = 3;
constexpr int PIECE_BYTES = TILE * TENSOR_DEPTH * 2;

/** One operand of this block: `outer` counts rows of op(a) or columns of op(b). */
struct TensorOperand {
  const bf16* from;
  long long row;
  int outer;
  int outer_end;
  bool wide;
};

/** Eight elements from `from` on, zeros behind the first `left`. */
DEVICE Vector<bf16, 8> load_narrow(const bf16* from, int left) {
  Vector<bf16, 8> chunk;
#pragma unroll
  for (int i = 0; i < 8; i++) chunk.at[i] = i < left ? from[i] : bf16{0};
  return chunk;
}

/** Starts the copy of a piece, k from `first` to below `end`; zeros outside. */
template <bool ALONG_K>
DEVICE void copy_piece(unsigned char* to, const TensorOperand& operand, int first, int end) {
  constexpr int CHUNKS = ALONG_K ? TENSOR_DEPTH / 8 : TILE / 8;
#pragma unroll
  for (int i = 0; i < PIECE_BYTES / 16 / TENSOR_THREADS; i++) {
    const int index = threadIdx.x + i * TENSOR_THREADS;
    const int line = index / CHUNKS;
    const int chunk = index % CHUNKS;
    const int outer = operand.outer + (ALONG_K ? line : chunk * 8);
    const int k = first + (ALONG_K ? chunk * 8 : line);
    const int place = ALONG_K ? chunk ^ ((line >> 1) & 3) : chunk ^ (line & 7);
    void* target = to + line * CHUNKS * 16 + place * 16;
    const bool inside = outer < operand.outer_end && k < end;
    const bf16* from = operand.from + (ALONG_K ? outer * operand.row + k : k * operand.row + outer);
    if (operand.wide) {
      copy_async(target, inside ? from : operand.from, inside);
    } else {
      const int left = inside ? (ALONG_K ? end - k : operand.outer_end - outer) : 0;
      *static_cast<Vector<bf16, 8>*>(target) = load_narrow(from, left);
    }
  }
}

/**
 * Byte offset in a piece of what this lane addresses for the first matrix load of warp row or column `part`. A load
 * covers 16 of outer times 16 of k; its four matrices come in the order that mma wants: of a, outer first; of b, k first.
 */
template <bool ALONG_K, bool IS_A>
DEVICE int lane_offset(int part) {
  const int matrix = lane_index() >> 3;
  const int line = lane_index() & 7;
  const int outer = part * 8 + (IS_A ? matrix & 1 : matrix >> 1);
  const int k = IS_A ? matrix >> 1 : matrix & 1;
  if (ALONG_K) {
    const int row = outer * 8 + line;
    return row * (TENSOR_DEPTH * 2) + (k ^ ((row >> 1) & 3)) * 16;
  }
  return (k * 8 + line) * (TILE * 2) + (outer ^ line) * 16;
}

/** Loads block `block` of 16 of outer at step `step` of 16 of k. */
template <bool ALONG_K>
DEVICE void load_fragment(u32 (&to)[4], const unsigned char* piece, int offset, int block, int step) {
  if (ALONG_K) {
    load_matrices(to, piece + (offset ^ (step * 32)) + block * 16 * TENSOR_DEPTH * 2);
  } else {
    load_matrices_transposed(to, piece + (offset ^ (block * 32)) + step * 16 * TILE * 2);
  }
}

/** Adds the product of two pieces to a warp's sums. */
template <bool A_ALONG_K, bool B_ALONG_K>
DEVICE void multiply_pieces(float (&sums)[4][8][4], const unsigned char* a, const unsigned char* b, int a_offset, int b_offset) {
#pragma unroll
  for (int step = 0; step < TENSOR_DEPTH / 16; step++) {
    u32 left[4][4];
    u32 right[4][4];
#pragma unroll
    for (int i = 0; i < 4; i++) load_fragment<A_ALONG_K>(left[i], a, a_offset, i, step);
#pragma unroll
    for (int j = 0; j < 4; j++) load_fragment<B_ALONG_K>(right[j], b, b_offset, j, step);
#pragma unroll
    for (int i = 0; i < 4; i++) {
#pragma unroll
      for (int j = 0; j < 8; j++) {
        const u32 column[2] = {right[j / 2][j % 2 * 2], right[j / 2][j % 2 * 2 + 1]};
        mma_bf16(sums[i][j], left[i], column);
      }
    }
  }
}

/** Words from one row of a warp's slice of the result to the next: 64 and room that keeps stores apart. */
constexpr int SLICE_ROW = 72;

/** Writes a warp's 64 x 64 through shared memory, 16 rows at a time, so that it leaves in whole rows. */
DEVICE void store_warp_tile(const MatmulArguments& a, float* slice, int batch, int row, int column, const float (&sums)[4][8][4]) {
  const int lane = lane_index();
#pragma unroll
  for (int i = 0; i < 4; i++) {
    __syncwarp();
#pragma unroll
    for (int j = 0; j < 8; j++) {
      float* at = slice + lane / 4 * SLICE_ROW + j * 8 + lane % 4 * 2;
      store_vector(at, Vector<float, 2>{{sums[i][j][0], sums[i][j][1]}});
      store_vector(at + 8 * SLICE_ROW, Vector<float, 2>{{sums[i][j][2], sums[i][j][3]}});
    }
    __syncwarp();
#pragma unroll
    for (int pass = 0; pass < 4; pass++) {
      const int within = pass * 4 + lane / 8;
      const float* from = slice + within * SLICE_ROW + lane % 8 * 8;
      const Vector<float, 4> low = load_vector<4>(from);
      const Vector<float, 4> high = load_vector<4>(from + 4);
      const float values[8] = {low.at[0], low.at[1], low.at[2], low.at[3], high.at[0], high.at[1], high.at[2], high.at[3]};
      store_result(a, batch, row + i * 16 + within, column + lane % 8 * 8, values);
    }
  }
}

template <bool TRANSPOSE_A, bool TRANSPOSE_B>
DEVICE void matmul_on_tensor_cores(const MatmulArguments& a) {
  DYNAMIC_SHARED(shared);
  unsigned char* pieces_of_b = shared + TENSOR_STAGES * PIECE_BYTES;
  const TilePosition tile = tile_position(a);
  const Range range = k_range(a);
  const int steps = (range.end - range.first + TENSOR_DEPTH - 1) / TENSOR_DEPTH;
  const int warp_row = warp_index() / 2;
  const int warp_column = warp_index() % 2;
  const int a_offset = lane_offset<!TRANSPOSE_A, true>(warp_row);
  const int b_offset = lane_offset<TRANSPOSE_B, false>(warp_column);

  for (int batch = static_cast<int>(blockIdx.z); batch < a.batch; batch += static_cast<int>(gridDim.z)) {
    const TensorOperand left = {static_cast<const bf16*>(a.a) + batch * a.stride_a, TRANSPOSE_A ? a.m : a.k, tile.row, a.m,
                                a.wide_a != 0};
    const TensorOperand right = {static_cast<const bf16*>(a.b) + batch * a.stride_b, TRANSPOSE_B ? a.k : a.n, tile.column,
                                 a.n, a.wide_b != 0};
    const auto start = [&](int step) {
      if (step < steps) {
        const int stage = step % TENSOR_STAGES * PIECE_BYTES;
        const int first = range.first + step * TENSOR_DEPTH;
        copy_piece<!TRANSPOSE_A>(shared + stage, left, first, range.end);
        copy_piece<TRANSPOSE_B>(pieces_of_b + stage, right, first, range.end);
      }
      // An empty group keeps the count of groups under way the same at the end.
      commit_copies();
    };
    float sums[4][8][4] = {};
    for (int step = 0; step < TENSOR_STAGES - 1; step++) start(step);
    for (int step = 0; step < steps; step++) {
      wait_for_copies<TENSOR_STAGES - 2>();
      __syncthreads();
      start(step + TENSOR_STAGES - 1);
      const int stage = step % TENSOR_STAGES * PIECE_BYTES;
      multiply_pieces<!TRANSPOSE_A, TRANSPOSE_B>(sums, shared + stage, pieces_of_b + stage, a_offset, b_offset);
    }
    wait_for_copies<0>();
    __syncthreads();
    float* slice = reinterpret_cast<float*>(shared) + warp_index() * 16 * SLICE_ROW;
    store_warp_tile(a, slice, batch, tile.row + warp_row * 64, tile.column + warp_column * 64, sums);
    __syncthreads();
  }
}
