/** Pieces of attention-backward on tensor cores: sizes, the arithmetic on scores in registers, a block's part of dq. */
#pragma once
#include "attention-tiles.cuh"
#include "attention.cuh"

/**
 * Sizes by head size (also in attention-backward.ts): warps of a block, tiles of 16 keys of a warp, queries of a tile,
 * queries whose scores a warp holds at once, tiles of queries in shared memory, and into how many parts the warps split
 * dq's rows.
 */
template <int WIDTH>
struct BackwardSizes;
template <>
struct BackwardSizes<32> {
  static constexpr int WARPS = 4, KEY_TILES = 2, QUERIES = 64, SCORES = 32, STAGES = 2, ROW_PARTS = 2;
};
template <>
struct BackwardSizes<64> {
  static constexpr int WARPS = 4, KEY_TILES = 2, QUERIES = 64, SCORES = 32, STAGES = 2, ROW_PARTS = 2;
};
template <>
struct BackwardSizes<96> {
  static constexpr int WARPS = 8, KEY_TILES = 1, QUERIES = 64, SCORES = 64, STAGES = 2, ROW_PARTS = 4;
};
template <>
struct BackwardSizes<128> {
  static constexpr int WARPS = 8, KEY_TILES = 1, QUERIES = 64, SCORES = 64, STAGES = 2, ROW_PARTS = 2;
};
/** For devices whose blocks get less than 100 KiB of shared memory. */
template <int WIDTH>
struct SmallBackwardSizes;
template <>
struct SmallBackwardSizes<96> {
  static constexpr int WARPS = 8, KEY_TILES = 1, QUERIES = 64, SCORES = 64, STAGES = 1, ROW_PARTS = 4;
};
template <>
struct SmallBackwardSizes<128> {
  static constexpr int WARPS = 8, KEY_TILES = 1, QUERIES = 32, SCORES = 32, STAGES = 1, ROW_PARTS = 2;
};

/** What a block has in shared memory, in bytes from its start. */
template <int WIDTH, class Sizes>
struct BackwardLayout {
  static constexpr int KEYS = Sizes::WARPS * Sizes::KEY_TILES * 16;
  static constexpr int KEY_BYTES = KEYS * WIDTH * 2;
  static constexpr int QUERY_BYTES = Sizes::QUERIES * WIDTH * 2;
  static constexpr int ROW_BYTES = Sizes::QUERIES * 8;
  static constexpr int K = 0;
  static constexpr int V = KEY_BYTES;
  static constexpr int Q = 2 * KEY_BYTES;
  static constexpr int DY = Q + Sizes::STAGES * QUERY_BYTES;
  static constexpr int CHANGES = DY + Sizes::STAGES * QUERY_BYTES;
  static constexpr int ROWS = CHANGES + KEYS * Sizes::QUERIES * 2;
  static constexpr int PLACE = ROWS + Sizes::STAGES * ROW_BYTES;
};

/** What is known of query `column` of a fragment and of the next one: log-sum-exp in units of log 2, dy y; twice. */
DEVICE Vector<float, 4> two_rows(const unsigned char* rows, int column) {
  return load_vector<4>(reinterpret_cast<const float*>(rows + (column + (lane_index() & 3) * 2) * 8));
}

/** Hides the scores of keys that a query does not see. `key` and `position`: of the first element. */
template <int KEY_TILES, int COLUMNS>
DEVICE void hide(float (&scores)[KEY_TILES][COLUMNS][4], int key, int position, int window) {
#pragma unroll
  for (int m = 0; m < KEY_TILES; m++) {
#pragma unroll
    for (int n = 0; n < COLUMNS; n++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int row = key + m * 16 + (i >> 1) * 8 + (lane_index() >> 2);
        const int at = position + n * 8 + (lane_index() & 3) * 2 + (i & 1);
        if (row > at || row <= at - window) scores[m][n][i] = -INFINITE;
      }
    }
  }
}

/** Hides those of keys before the first ones of the queries, of which `count` exist. */
template <int KEY_TILES, int COLUMNS>
DEVICE void hide_before(float (&scores)[KEY_TILES][COLUMNS][4], int key, const int* first, int count) {
#pragma unroll
  for (int n = 0; n < COLUMNS; n++) {
#pragma unroll
    for (int j = 0; j < 2; j++) {
      const int query = n * 8 + (lane_index() & 3) * 2 + j;
      const int least = query < count ? first[query] : 0;
#pragma unroll
      for (int m = 0; m < KEY_TILES; m++) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
          if (key + m * 16 + half * 8 + (lane_index() >> 2) < least) scores[m][n][half * 2 + j] = -INFINITE;
        }
      }
    }
  }
}

/**
 * In place, for the 16 queries k: scores become weights, and gradients of weights those of the scores before they are
 * scaled. Query 0 is number `first` of `rows`.
 */
template <int KEY_TILES, int COLUMNS>
DEVICE void differentiate(float (&scores)[KEY_TILES][COLUMNS][4], float (&changes)[KEY_TILES][COLUMNS][4], int k,
                          const unsigned char* rows, int first, float to_log2) {
#pragma unroll
  for (int n = 2 * k; n < 2 * k + 2; n++) {
    const Vector<float, 4> two = two_rows(rows, first + n * 8);
#pragma unroll
    for (int m = 0; m < KEY_TILES; m++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const float weight = exp2_approximate(fmaf(scores[m][n][i], to_log2, -two.at[(i & 1) * 2]));
        scores[m][n][i] = weight;
        changes[m][n][i] = weight * (changes[m][n][i] - two.at[(i & 1) * 2 + 1]);
      }
    }
  }
}

/** Writes left operands [16 · KEY_TILES, 16] to a tile [keys, QUERIES] at `key` and `query`. */
template <int QUERIES, int KEY_TILES>
DEVICE void store_changes(unsigned char* to, int key, int query, const u32 (&changes)[KEY_TILES][4]) {
#pragma unroll
  for (int m = 0; m < KEY_TILES; m++) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int row = key + m * 16 + (i & 1) * 8 + (lane_index() >> 2);
      const u32 offset = chunk_offset<QUERIES>(row, query / 8 + (i >> 1)) + (lane_index() & 3) * 4;
      *reinterpret_cast<u32*>(to + offset) = changes[m][i];
    }
  }
}

/** A warp's part of dq of a tile of queries: ROWS x COLUMNS elements. */
template <int WIDTH, class Sizes>
struct QueryGradients {
  static constexpr int ROWS = Sizes::QUERIES / Sizes::ROW_PARTS;
  static constexpr int COLUMNS = WIDTH / (Sizes::WARPS / Sizes::ROW_PARTS);
  static_assert(ROWS % 16 == 0 && COLUMNS % 16 == 0, "parts of dq are whole fragments");
  static constexpr int DOWN = ROWS / 16;
  static constexpr int ACROSS = COLUMNS / 8;
  /** Between a thread's vectors in `partial`, which is in an order of its own. */
  static constexpr int APART = Sizes::WARPS * 32 * 4;
  /** Registers are scarcer with large heads. */
  static constexpr int UNROLLED = WIDTH > 64 ? 2 : 4;
  int row;
  int column;
  float sums[DOWN][ACROSS][4];

  DEVICE QueryGradients() {
    row = warp_index() % Sizes::ROW_PARTS * ROWS;
    column = warp_index() / Sizes::ROW_PARTS * COLUMNS;
  }

  /** sums = changes of the block's keys [16 · part.begin, 16 · part.end) times these keys, plus `partial` if any. */
  DEVICE void compute(const unsigned char* changes, const unsigned char* keys, Span part,
                      const LanePlace<Sizes::QUERIES, false>& changes_across, const LanePlace<WIDTH, true>& down,
                      const float* partial, bool has_partial) {
    Vector<float, 4> before[DOWN][ACROSS];
#pragma unroll
    for (int m = 0; m < DOWN; m++) {
#pragma unroll
      for (int n = 0; n < ACROSS; n++) {
        before[m][n] = Vector<float, 4>{};
        if (has_partial) before[m][n] = load_vector<4>(partial + (m * ACROSS + n) * APART);
      }
    }
    clear(sums);
#pragma unroll(UNROLLED)
    for (int i = part.begin; i < part.end; i++) {
      u32 left[DOWN][4];
#pragma unroll
      for (int m = 0; m < DOWN; m++) {
        load_matrices_transposed(left[m], changes + changes_across.at(i * 16, row + m * 16));
      }
#pragma unroll
      for (int n = 0; n < COLUMNS; n += 16) {
        u32 right[4];
        load_matrices_transposed(right, keys + down.at(i * 16, column + n));
        add_product(sums, n / 8, left, right);
      }
    }
#pragma unroll
    for (int m = 0; m < DOWN; m++)
#pragma unroll
      for (int n = 0; n < ACROSS; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) sums[m][n][i] += before[m][n].at[i];
  }

  DEVICE void leave(float* partial) const {
#pragma unroll
    for (int m = 0; m < DOWN; m++) {
#pragma unroll
      for (int n = 0; n < ACROSS; n++) {
        const float(&from)[4] = sums[m][n];
        store_vector<4>(partial + (m * ACROSS + n) * APART, Vector<float, 4>{{from[0], from[1], from[2], from[3]}});
      }
    }
  }

  /** To the tile's rows in dq, of which `count` exist. */
  DEVICE void finish(bf16* dq, int stride, int count, float scale) const {
#pragma unroll
    for (int m = 0; m < DOWN; m++) {
#pragma unroll
      for (int half = 0; half < 2; half++) {
        const int at = row + m * 16 + half * 8 + (lane_index() >> 2);
        if (at >= count) continue;
        bf16* const to = dq + kept(at * stride + column + (lane_index() & 3) * 2);
#pragma unroll
        for (int n = 0; n < ACROSS; n++) {
          const float(&from)[4] = sums[m][n];
          *reinterpret_cast<u32*>(to + n * 8) = pack_bf16(from[half * 2] * scale, from[half * 2 + 1] * scale);
        }
      }
    }
  }
};
