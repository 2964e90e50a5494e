/**
 * What the kernels of the matrix product share: which tile of the result a block makes, and how finished sums reach
 * memory. Included by matmul.cu behind its arguments.
 */
#pragma once
#include "device.cuh"

/** Rows and columns of the result that one block makes. */
constexpr int TILE = 128;
/** Rows of tiles that are walked together, so that blocks that run at one time share what they read. */
constexpr int TILE_GROUP = 8;

struct TilePosition {
  int row;
  int column;
};

/** First row and column of this block's tile: down a group of tile rows, then to the next column. */
DEVICE TilePosition tile_position(const MatmulArguments& a) {
  const int down = (a.m + TILE - 1) / TILE;
  const int across = (a.n + TILE - 1) / TILE;
  const int index = static_cast<int>(blockIdx.x);
  const int first = index / (TILE_GROUP * across) * TILE_GROUP;
  const int height = min(down - first, TILE_GROUP);
  const int within = index % (TILE_GROUP * across);
  return {(first + within % height) * TILE, within / height * TILE};
}

/** The part of the sum over k that this block takes. */
struct Range {
  int first;
  int end;
};
DEVICE Range k_range(const MatmulArguments& a) {
  const int first = static_cast<int>(blockIdx.y) * a.split;
  return {first, min(a.k, first + a.split)};
}

/** Stores COUNT sums plus what is at `c` (0: nothing), rounded to R once. `left`: how many of them exist. */
template <class R, int COUNT>
DEVICE void add_and_store(R* to, const R* c, const float (&sums)[COUNT], bool wide, int left) {
  if (wide) {
    constexpr int WIDTH = WIDE<R> < COUNT ? WIDE<R> : COUNT;
#pragma unroll
    for (int i = 0; i < COUNT; i += WIDTH) {
      Vector<R, WIDTH> before = {};
      if (c) before = load_vector<WIDTH>(c + i);
      Vector<R, WIDTH> after;
#pragma unroll
      for (int j = 0; j < WIDTH; j++) after.at[j] = from_float<R>(c ? to_float(before.at[j]) + sums[i + j] : sums[i + j]);
      store_vector(to + i, after);
    }
    return;
  }
#pragma unroll
  for (int i = 0; i < COUNT; i++) {
    if (i < left) to[i] = from_float<R>(c ? to_float(c[i]) + sums[i] : sums[i]);
  }
}

/**
 * Writes COUNT neighbours of the result, or of this block's part of a split product, from (row, column) on. Rows and
 * columns outside are left out. A wide result has whole groups of 8 columns.
 */
template <int COUNT>
DEVICE void store_result(const MatmulArguments& a, int batch, int row, int column, const float (&sums)[COUNT]) {
  if (row >= a.m || column >= a.n) return;
  const long long matrix = static_cast<long long>(a.m) * a.n;
  const long long at = static_cast<long long>(row) * a.n + column;
  const bool wide = COUNT > 1 && a.wide_d;
  const int left = a.n - column;
  if (a.partial) {
    const long long part = static_cast<long long>(blockIdx.y) * a.batch + batch;
    add_and_store<float>(a.partial + part * matrix + at, static_cast<const float*>(nullptr), sums, wide, left);
    return;
  }
  const long long offset = batch * matrix + at;
  if (a.result_is_bf16) {
    const bf16* c = static_cast<const bf16*>(a.c);
    add_and_store<bf16>(static_cast<bf16*>(a.d) + offset, c ? c + offset : c, sums, wide, left);
  } else {
    const float* c = static_cast<const float*>(a.c);
    add_and_store<float>(static_cast<float*>(a.d) + offset, c ? c + offset : c, sums, wide, left);
  }
}
