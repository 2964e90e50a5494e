/**
 * attention on tensor cores: bf16, heads of 32, 64, 96 and 128, compute capability 8.0 and up (Dao, "FlashAttention-2",
 * 2023). A block of 4 warps takes 128 queries of a head, a warp 32 of them; keys and values come in tiles, one ahead.
 * Scores stay in registers. attention-general.cu takes everything else.
 */
#include "attention-tiles.cuh"
#include "attention.cuh"

struct AttentionArguments {
  const void *q;
  const void *k;
  const void *v;
  const int *position;
  const int *first;
  void *y;
  float *log_sum_exp;
  int batch;
  int queries;
  int keys;
  int heads;
  int groups;
  int window;
  int position_step;
  int together;
  float scale;
};

/** Queries of a block, and how far, as a power of 2, a row's largest score grows before its sums are rescaled. */
struct Forward {
  static constexpr int WARPS = 4;
  static constexpr int QUERIES = 32 * WARPS;
  static constexpr int RESCALE_AT = 8;
};

/**
 * Sizes by head size: keys of a tile (also in attention.ts), keys whose scores are held at once, and whether queries
 * stay in registers.
 */
template <int WIDTH>
struct ForwardSizes {
  static constexpr int KEYS = 64;
  static constexpr int SCORES = 64;
  static constexpr bool HOLDS_QUERIES = true;
};
template <>
struct ForwardSizes<96> {
  static constexpr int KEYS = 64;
  static constexpr int SCORES = 32;
  static constexpr bool HOLDS_QUERIES = false;
};
template <>
struct ForwardSizes<128> {
  static constexpr int KEYS = 64;
  static constexpr int SCORES = 32;
  static constexpr bool HOLDS_QUERIES = false;
};

/** The running softmax of a warp's rows: rows l / 4 and l / 4 + 8 of two tiles of 16. Sums are this lane's columns'. */
struct RunningSoftmax {
  float largest[2][2];
  float sum[2][2];
};

/** The largest score to subtract; 0 while nothing was seen, so that -infinity stays what it is. */
DEVICE float subtrahend(float largest) { return largest == -INFINITE ? 0.0f : largest; }

/** Hides the scores of keys that a row does not see. `row` and `key`: position and key of the first element. */
template <int COLUMNS>
DEVICE void hide(float (&scores)[2][COLUMNS][4], int row, int key, int keys, int window) {
#pragma unroll
  for (int m = 0; m < 2; m++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int position = row + m * 16 + half * 8 + (lane_index() >> 2);
      const Span seen = seen_keys(position, position, keys, window);
#pragma unroll
      for (int n = 0; n < COLUMNS; n++) {
#pragma unroll
        for (int i = 0; i < 2; i++) {
          const int column = key + n * 8 + (lane_index() & 3) * 2 + i;
          if (column < seen.begin || column >= seen.end) scores[m][n][half * 2 + i] = -INFINITE;
        }
      }
    }
  }
}

/** Hides the scores of keys before the first ones of the warp's rows, of which `count` exist. */
template <int COLUMNS>
DEVICE void hide_before(float (&scores)[2][COLUMNS][4], const int* first, int count, int key) {
#pragma unroll
  for (int m = 0; m < 2; m++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int row = m * 16 + half * 8 + (lane_index() >> 2);
      const int least = row < count ? first[row] : 0;
#pragma unroll
      for (int n = 0; n < COLUMNS; n++) {
#pragma unroll
        for (int i = 0; i < 2; i++) {
          if (key + n * 8 + (lane_index() & 3) * 2 + i < least) scores[m][n][half * 2 + i] = -INFINITE;
        }
      }
    }
  }
}

/** Turns scores into weights relative to the largest score; rescales what was summed when that has grown. */
template <int COLUMNS, int OUT>
DEVICE void weigh(float (&scores)[2][COLUMNS][4], float (&out)[2][OUT][4], RunningSoftmax& rows, float to_log2) {
  float largest[2][2];
  bool grown = false;
#pragma unroll
  for (int m = 0; m < 2; m++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float most = fmaxf(scores[m][0][half * 2], scores[m][0][half * 2 + 1]);
#pragma unroll
      for (int n = 1; n < COLUMNS; n++) {
        most = fmaxf(most, fmaxf(scores[m][n][half * 2], scores[m][n][half * 2 + 1]));
      }
      most = fmaxf(most, __shfl_xor_sync(FULL_WARP, most, 1));
      most = fmaxf(most, __shfl_xor_sync(FULL_WARP, most, 2));
      largest[m][half] = most;
      grown |= (most - rows.largest[m][half]) * to_log2 > Forward::RESCALE_AT;
    }
  }
  if (__any_sync(FULL_WARP, grown)) {
#pragma unroll
    for (int m = 0; m < 2; m++) {
#pragma unroll
      for (int half = 0; half < 2; half++) {
        const float before = rows.largest[m][half];
        const float now = fmaxf(before, largest[m][half]);
        const float factor = exp2_approximate((before - subtrahend(now)) * to_log2);
        rows.largest[m][half] = now;
        rows.sum[m][half] *= factor;
#pragma unroll
        for (int n = 0; n < OUT; n++) {
          out[m][n][half * 2] *= factor;
          out[m][n][half * 2 + 1] *= factor;
        }
      }
    }
  }
#pragma unroll
  for (int m = 0; m < 2; m++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const float offset = subtrahend(rows.largest[m][half]) * to_log2;
      float sum = 0;
#pragma unroll
      for (int n = 0; n < COLUMNS; n++) {
#pragma unroll
        for (int i = 0; i < 2; i++) {
          float& score = scores[m][n][half * 2 + i];
          score = exp2_approximate(fmaf(score, to_log2, -offset));
          sum += score;
        }
      }
      rows.sum[m][half] += sum;
    }
  }
}

/** multiply_rows with the left operand in registers. */
template <int WIDTH, int DEPTH, int COLUMNS>
DEVICE void multiply_held(float (&scores)[2][COLUMNS][4], const u32 (&held)[DEPTH][2][4], const unsigned char* keys,
                          int first, const LanePlace<WIDTH, false>& across) {
  clear(scores);
#pragma unroll
  for (int d = 0; d < DEPTH; d++) {
#pragma unroll
    for (int n = 0; n < COLUMNS * 8; n += 16) {
      u32 columns[4];
      load_matrices(columns, keys + across.at(first + n, d * 16));
      add_product(scores, n / 8, held[d], columns);
    }
  }
}

/** FIRST: queries have first keys. Without them it is up to 2% faster so. */
template <int WIDTH, bool FIRST>
DEVICE void attention(const AttentionArguments& a) {
#if HAS_TENSOR_CORES
  typedef ForwardSizes<WIDTH> Sizes;
  constexpr int THREADS = Forward::WARPS * 32;
  constexpr int KEYS = Sizes::KEYS;
  constexpr int SCORES = Sizes::SCORES;
  constexpr int TILE_BYTES = KEYS * WIDTH * 2;
  DYNAMIC_SHARED(shared);
  unsigned char* const queries = shared;
  unsigned char* const tiles = shared + Forward::QUERIES * WIDTH * 2;

  const int blocks = (a.queries + Forward::QUERIES - 1) / Forward::QUERIES;
  const Work work = ordered_work(blockIdx.x, a.batch * a.heads, blocks, a.together);
  const int batch = work.pair / a.heads;
  const int head = work.pair % a.heads;
  // Late queries see most keys: their blocks come first.
  const int first_query = (blocks - 1 - work.block) * Forward::QUERIES;
  const int position =
      first_position(a.position, batch * a.position_step, a.queries, a.keys, a.window) + first_query;
  const int count = min(Forward::QUERIES, a.queries - first_query);
  const int* const first = FIRST ? first_keys_at(a.first, batch, a.queries, first_query) : nullptr;

  const int stride = a.heads * WIDTH;
  const int key_stride = a.groups * WIDTH;
  const long long first_row = (static_cast<long long>(batch) * a.queries + first_query) * a.heads + head;
  const long long first_key =
      (static_cast<long long>(batch) * a.keys * a.groups + head / (a.heads / a.groups)) * WIDTH;
  const bf16* const k = static_cast<const bf16*>(a.k) + first_key;
  const bf16* const v = static_cast<const bf16*>(a.v) + first_key;

  const Span seen = seen_keys(position, position + count - 1, a.keys, a.window, bounds_of(first, count).lowest);
  const int first_tile = seen.begin / KEYS;
  const int end_tile = seen.end > seen.begin ? (seen.end + KEYS - 1) / KEYS : first_tile;
  const auto copy_tile = [&](int tile) {
    unsigned char* const to = tiles + (tile & 1) * 2 * TILE_BYTES;
    const int key = tile * KEYS;
    const long long place = static_cast<long long>(key) * key_stride;
    copy_rows<WIDTH, KEYS, THREADS>(to, k + place, key_stride, a.keys - key);
    copy_rows<WIDTH, KEYS, THREADS>(to + TILE_BYTES, v + place, key_stride, a.keys - key);
  };
  const bf16* const q = static_cast<const bf16*>(a.q) + first_row * WIDTH;
  copy_rows<WIDTH, Forward::QUERIES, THREADS>(queries, q, stride, count);
  if (first_tile < end_tile) copy_tile(first_tile);
  commit_copies();
  wait_for_copies<0>();
  __syncthreads();

  const LanePlace<WIDTH, true> down;
  const LanePlace<WIDTH, false> across;
  const int own = warp_index() * 32;
  u32 held[Sizes::HOLDS_QUERIES ? WIDTH / 16 : 1][2][4];
  if (Sizes::HOLDS_QUERIES) {
#pragma unroll
    for (int d = 0; d < WIDTH; d += 16) load_left(held[d / 16], queries, down, own, d);
  }

  float out[2][WIDTH / 8][4];
  clear(out);
  RunningSoftmax rows;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    rows.largest[i / 2][i % 2] = -INFINITE;
    rows.sum[i / 2][i % 2] = 0;
  }
  const float to_log2 = a.scale * LOG2_E;
  const int from = position + own;
  const int to = from + 31;
  const int* const own_first = first == nullptr ? nullptr : first + own;
  const FirstKeys bounds = bounds_of(own_first, min(32, count - own));

  for (int tile = first_tile; tile < end_tile; tile++) {
    wait_for_copies<0>();
    __syncthreads();
    if (tile + 1 < end_tile) copy_tile(tile + 1);
    commit_copies();
    const unsigned char* const keys = tiles + (tile & 1) * 2 * TILE_BYTES;
    const unsigned char* const values = keys + TILE_BYTES;
#pragma unroll
    for (int part = 0; part < KEYS; part += SCORES) {
      const int key = tile * KEYS + part;
      const Span own_keys = seen_keys(from, to, a.keys, a.window, bounds.lowest);
      if (key >= own_keys.end || key + SCORES <= own_keys.begin) continue;

      float scores[2][SCORES / 8][4];
      if (Sizes::HOLDS_QUERIES) {
        multiply_held(scores, held, keys, part, across);
      } else {
        multiply_rows(scores, queries, own, keys, part, down, across);
      }
      if (!sees_all(from, to, a.window, key, key + SCORES) || key + SCORES > a.keys) {
        hide(scores, from, key, a.keys, a.window);
      }
      if (FIRST && key < bounds.highest) hide_before(scores, own_first, count - own, key);
      weigh(scores, out, rows, to_log2);
#pragma unroll
      for (int n = 0; n < SCORES; n += 16) {
        u32 weights[2][4];
        as_left(weights, scores, n / 16);
        add_rows<WIDTH>(out, weights, values, part + n, down);
      }
    }
  }

  float inverse[2][2];
#pragma unroll
  for (int m = 0; m < 2; m++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float sum = rows.sum[m][half];
      sum += __shfl_xor_sync(FULL_WARP, sum, 1);
      sum += __shfl_xor_sync(FULL_WARP, sum, 2);
      inverse[m][half] = sum == 0 ? 0.0f : 1 / sum;
      const int row = own + m * 16 + half * 8 + (lane_index() >> 2);
      if ((lane_index() & 3) == 0 && row < count) {
        // A row that saw nothing: log 0.
        const float log_sum = logf(sum) + subtrahend(rows.largest[m][half]) * a.scale;
        a.log_sum_exp[first_row + static_cast<long long>(row) * a.heads] = log_sum;
      }
    }
  }
  // The queries of this warp are its own, and read.
  __syncwarp();
  store_fragments<WIDTH>(queries, own, out, inverse);
  __syncwarp();
  bf16* const y = static_cast<bf16*>(a.y) + first_row * WIDTH + static_cast<long long>(own) * stride;
  write_rows<WIDTH, 32>(y, stride, queries, own, count - own);
#endif
}

KERNEL(attention_32_bf16, 128, AttentionArguments) { attention<32, false>(a); }
KERNEL(attention_64_bf16, 128, AttentionArguments) { attention<64, false>(a); }
KERNEL(attention_96_bf16, 128, AttentionArguments) { attention<96, false>(a); }
KERNEL(attention_128_bf16, 128, AttentionArguments) { attention<128, false>(a); }
KERNEL(attention_32_first_bf16, 128, AttentionArguments) { attention<32, true>(a); }
KERNEL(attention_64_first_bf16, 128, AttentionArguments) { attention<64, true>(a); }
KERNEL(attention_96_first_bf16, 128, AttentionArguments) { attention<96, true>(a); }
KERNEL(attention_128_first_bf16, 128, AttentionArguments) { attention<128, true>(a); }
