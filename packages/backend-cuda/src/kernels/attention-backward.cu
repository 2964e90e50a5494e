/**
 * attention-backward on tensor cores: bf16, heads of 32, 64, 96 and 128, no position, compute capability 8.0 and up.
 * attention-backward-general.cu takes everything else.
 *
 * A block keeps some keys of a head, each warp its own of them, with the sums of dk and dv in registers, and goes over
 * the queries in tiles. Scores are computed transposed, so that weights and score gradients of a warp's keys are left
 * operands of dv and dk as they lie in registers; only score gradients are shared, for dq, which needs all keys.
 *
 * dq of a tile is summed by the blocks in the order of their keys: a block adds to what the one before it left in
 * `partial` once `turns` says so, and the last one writes dq. The sums are therefore the same on every run. Blocks take
 * their work in the order in which they begin and wait only for earlier work, so that somebody can always go on.
 */
#include "attention-backward-tiles.cuh"

struct AttentionBackwardArguments {
  const void *dy;
  const void *q;
  const void *k;
  const void *v;
  const int *first;
  const int *bounds;
  const float *rows;
  float *partial;
  u32 *turns;
  void *dq;
  void *dk;
  void *dv;
  int batch;
  int queries;
  int keys;
  int heads;
  int groups;
  int window;
  int together;
  float scale;
};

/** What a block works on, in shared memory: registers are scarce. */
struct BackwardPlace {
  int batch;
  int block;
  /** The tiles with queries that see any of the block's keys. */
  int first_tile;
  int last_tile;
  /** Of its first query head, in `turns`. */
  int first_cell;
  /** Elements before the queries of the batch and first head, before the block's first key. */
  long long queries;
  long long keys;
};

template <int WIDTH, class Sizes>
DEVICE BackwardPlace backward_place(const AttentionBackwardArguments& a, int ticket) {
  constexpr int KEYS = BackwardLayout<WIDTH, Sizes>::KEYS;
  constexpr int QUERIES = Sizes::QUERIES;
  const Work work = ordered_work(ticket, a.batch * a.groups, (a.keys + KEYS - 1) / KEYS, a.together);
  const int batch = work.pair / a.groups;
  const int group = work.pair % a.groups;
  const int per_group = a.heads / a.groups;
  const int first_key = work.block * KEYS;
  const int start = a.keys - a.queries;
  const int last_query = min(first_key + KEYS - 1 - start + a.window - 1, a.queries - 1);
  BackwardPlace place;
  place.batch = batch;
  place.block = work.block;
  place.first_tile = max(first_key - start, 0) / QUERIES;
  place.last_tile = last_query < 0 ? -1 : last_query / QUERIES;
  place.first_cell = work.pair * per_group * ((a.queries + QUERIES - 1) / QUERIES);
  place.queries = (static_cast<long long>(batch) * a.queries * a.heads + group * per_group) * WIDTH;
  place.keys = ((static_cast<long long>(batch) * a.keys + first_key) * a.groups + group) * WIDTH;
  return place;
}

/** Where a block is: a query head of its group, and a tile of queries. */
struct Step {
  int head;
  int tile;
};

/** FIRST: queries have first keys, whose `bounds` attention-rows.cu found. Without them it is up to 8% faster so. */
template <int WIDTH, class Sizes, bool FIRST>
DEVICE void attention_backward(const AttentionBackwardArguments& a) {
#if HAS_TENSOR_CORES
  typedef BackwardLayout<WIDTH, Sizes> Layout;
  constexpr int THREADS = Sizes::WARPS * 32;
  constexpr int KEY_TILES = Sizes::KEY_TILES;
  constexpr int KEYS = Layout::KEYS;
  constexpr int OWN = KEY_TILES * 16;
  constexpr int QUERIES = Sizes::QUERIES;
  constexpr int SCORES = Sizes::SCORES;
  constexpr int SIGNALLER = THREADS - 32;
  DYNAMIC_SHARED(shared);

  const int tiles = (a.queries + QUERIES - 1) / QUERIES;
  const BackwardPlace& place = *reinterpret_cast<BackwardPlace*>(shared + Layout::PLACE);
  if (threadIdx.x == 0) {
    // The last cell of `turns` counts the blocks that have begun.
    const int ticket = atomicAdd(a.turns + a.batch * a.heads * tiles, 1u);
    *reinterpret_cast<BackwardPlace*>(shared + Layout::PLACE) = backward_place<WIDTH, Sizes>(a, ticket);
  }
  __syncthreads();
  const int start = a.keys - a.queries;
  const int per_group = a.heads / a.groups;
  const int stride = a.heads * WIDTH;
  const int key_stride = a.groups * WIDTH;
  const int first_key = place.block * KEYS;
  const auto cell_of = [&](Step step) { return place.first_cell + step.head * tiles + step.tile; };
  const auto place_of = [&](Step step) { return place.queries + (step.tile * QUERIES * stride + step.head * WIDTH); };
  const auto copy_step = [&](Step step, int stage) {
    const int count = a.queries - step.tile * QUERIES;
    const long long from = kept(place_of(step));
    unsigned char* const q = shared + Layout::Q + stage * Layout::QUERY_BYTES;
    unsigned char* const dy = shared + Layout::DY + stage * Layout::QUERY_BYTES;
    copy_rows<WIDTH, QUERIES, THREADS>(q, static_cast<const bf16*>(a.q) + from, stride, count);
    copy_rows<WIDTH, QUERIES, THREADS>(dy, static_cast<const bf16*>(a.dy) + from, stride, count);
    if (threadIdx.x < QUERIES / 2) {
      copy_async(shared + Layout::ROWS + stage * Layout::ROW_BYTES + threadIdx.x * 16,
                 a.rows + static_cast<long long>(cell_of(step)) * (QUERIES * 2) + threadIdx.x * 4, true);
    }
  };

  // A tile whose queries begin with later keys has nothing for this block.
  const auto bounds_of_step = [&](Step step) {
    if constexpr (!FIRST) return FirstKeys{0, 0};
    return reinterpret_cast<const FirstKeys*>(a.bounds)[place.batch * tiles + step.tile];
  };
  const auto from_step_on = [&](Step step) {
    if constexpr (FIRST) {
      while (step.head < per_group && bounds_of_step(step).lowest / KEYS > place.block) {
        step = step.tile > place.first_tile ? Step{step.head, step.tile - 1} : Step{step.head + 1, place.last_tile};
      }
    }
    return step;
  };
  // Late queries first.
  Step step = from_step_on(Step{place.last_tile >= place.first_tile ? 0 : per_group, place.last_tile});
  unsigned char* const keys = shared + Layout::K;
  unsigned char* const values = shared + Layout::V;
  unsigned char* const all_changes = shared + Layout::CHANGES;
  copy_rows<WIDTH, KEYS, THREADS>(keys, static_cast<const bf16*>(a.k) + place.keys, key_stride, a.keys - first_key);
  copy_rows<WIDTH, KEYS, THREADS>(values, static_cast<const bf16*>(a.v) + place.keys, key_stride, a.keys - first_key);
  if (Sizes::STAGES > 1 && step.head < per_group) copy_step(step, 0);
  commit_copies();

  const LanePlace<WIDTH, true> down;
  const LanePlace<WIDTH, false> across;
  const LanePlace<QUERIES, false> changes_across;
  const int own = warp_index() * OWN;
  const int own_key = first_key + own;
  const float to_log2 = a.scale * LOG2_E;
  float dk[KEY_TILES][WIDTH / 8][4];
  float dv[KEY_TILES][WIDTH / 8][4];
  clear(dk);
  clear(dv);
  // The cell of `turns` that waits for this block.
  int waiting = -1;

  for (int stage = 0; step.head < per_group; stage = Sizes::STAGES > 1 ? 1 - stage : 0) {
    const Step next = from_step_on(step.tile > place.first_tile ? Step{step.head, step.tile - 1}
                                                                : Step{step.head + 1, place.last_tile});
    if (Sizes::STAGES == 1) {
      __syncthreads();
      copy_step(step, 0);
      commit_copies();
    }
    wait_for_copies<0>();
    __syncthreads();
    // What all threads left in `partial` in the last step is whole.
    if (waiting >= 0 && threadIdx.x == SIGNALLER) store_release(a.turns + waiting, place.block + 1);
    if (Sizes::STAGES > 1) {
      if (next.head < per_group) copy_step(next, 1 - stage);
      commit_copies();
    }

    const unsigned char* const q = shared + Layout::Q + stage * Layout::QUERY_BYTES;
    const unsigned char* const dy = shared + Layout::DY + stage * Layout::QUERY_BYTES;
    const unsigned char* const rows = shared + Layout::ROWS + stage * Layout::ROW_BYTES;
    const int position = start + step.tile * QUERIES;
    const FirstKeys bounds = bounds_of_step(step);
#pragma unroll
    for (int part = 0; part < QUERIES; part += SCORES) {
      const int from = position + part;
      const int to = from + SCORES - 1;
      if (own_key > to || own_key + OWN <= max(from - a.window + 1, bounds.lowest)) continue;
      float scores[KEY_TILES][SCORES / 8][4];
      float changes[KEY_TILES][SCORES / 8][4];
      multiply_rows(scores, keys, own, q, part, down, across);
      multiply_rows(changes, values, own, dy, part, down, across);
      if (!sees_all(from, to, a.window, own_key, own_key + OWN)) hide(scores, own_key, from, a.window);
      if (FIRST && own_key < bounds.highest) {
        const int query = step.tile * QUERIES + part;
        hide_before(scores, own_key, first_keys_at(a.first, place.batch, a.queries, query), a.queries - query);
      }
#pragma unroll
      for (int n = 0; n < SCORES; n += 16) {
        differentiate(scores, changes, n / 16, rows, part, to_log2);
        u32 left[KEY_TILES][4];
        as_left(left, scores, n / 16);
        add_rows<WIDTH>(dv, left, dy, part + n, down);
        as_left(left, changes, n / 16);
        store_changes<QUERIES>(all_changes, own, part + n, left);
        add_rows<WIDTH>(dk, left, q, part + n, down);
      }
    }

    // The blocks that add to dq of this tile are those with keys that its queries see.
    const int count = min(QUERIES, a.queries - step.tile * QUERIES);
    const int first_block = seen_keys(position, position, a.keys, a.window, bounds.lowest).begin / KEYS;
    const bool is_first = place.block == first_block;
    const bool is_last = place.block == (position + count - 1) / KEYS;
    const int cell = cell_of(step);
    if (threadIdx.x == 0 && !is_first) {
      while (load_acquire(a.turns + cell) != static_cast<u32>(place.block)) {
      }
    }
    __syncthreads();

    float* const partial = a.partial + kept(static_cast<long long>(cell) * (QUERIES * WIDTH) + threadIdx.x * 4);
    QueryGradients<WIDTH, Sizes> dq;
    const int dq_position = position + dq.row;
    const Span seen = seen_keys(dq_position, dq_position + dq.ROWS - 1, a.keys, a.window, bounds.lowest);
    const Span part{max(seen.begin - first_key, 0) / 16, (min(seen.end - first_key, KEYS) + 15) / 16};
    dq.compute(all_changes, keys, part, changes_across, down, partial, !is_first);
    waiting = is_last ? -1 : cell;
    if (is_last) {
      dq.finish(static_cast<bf16*>(a.dq) + place_of(step), stride, count, a.scale);
    } else {
      dq.leave(partial);
    }
    step = next;
  }

  // Keys and values are read; a warp's own rows hold its results.
  wait_for_copies<0>();
  __syncthreads();
  if (waiting >= 0 && threadIdx.x == SIGNALLER) store_release(a.turns + waiting, place.block + 1);
  float factors[KEY_TILES][2];
  float ones[KEY_TILES][2];
#pragma unroll
  for (int m = 0; m < KEY_TILES; m++) {
    factors[m][0] = factors[m][1] = a.scale;
    ones[m][0] = ones[m][1] = 1;
  }
  store_fragments<WIDTH>(keys, own, dk, factors);
  store_fragments<WIDTH>(values, own, dv, ones);
  __syncwarp();
  const long long own_place = place.keys + own * key_stride;
  const int count = a.keys - own_key;
  write_rows<WIDTH, OWN>(static_cast<bf16*>(a.dk) + own_place, key_stride, keys, own, count);
  write_rows<WIDTH, OWN>(static_cast<bf16*>(a.dv) + own_place, key_stride, values, own, count);
#endif
}

KERNEL(attention_backward_32_bf16, 128, AttentionBackwardArguments) {
  attention_backward<32, BackwardSizes<32>, false>(a);
}
KERNEL(attention_backward_64_bf16, 128, AttentionBackwardArguments) {
  attention_backward<64, BackwardSizes<64>, false>(a);
}
KERNEL(attention_backward_96_bf16, 256, AttentionBackwardArguments) {
  attention_backward<96, BackwardSizes<96>, false>(a);
}
KERNEL(attention_backward_128_bf16, 256, AttentionBackwardArguments) {
  attention_backward<128, BackwardSizes<128>, false>(a);
}
KERNEL(attention_backward_96_small_bf16, 256, AttentionBackwardArguments) {
  attention_backward<96, SmallBackwardSizes<96>, false>(a);
}
KERNEL(attention_backward_128_small_bf16, 256, AttentionBackwardArguments) {
  attention_backward<128, SmallBackwardSizes<128>, false>(a);
}
KERNEL(attention_backward_32_first_bf16, 128, AttentionBackwardArguments) {
  attention_backward<32, BackwardSizes<32>, true>(a);
}
KERNEL(attention_backward_64_first_bf16, 128, AttentionBackwardArguments) {
  attention_backward<64, BackwardSizes<64>, true>(a);
}
KERNEL(attention_backward_96_first_bf16, 256, AttentionBackwardArguments) {
  attention_backward<96, BackwardSizes<96>, true>(a);
}
KERNEL(attention_backward_128_first_bf16, 256, AttentionBackwardArguments) {
  attention_backward<128, BackwardSizes<128>, true>(a);
}
KERNEL(attention_backward_96_small_first_bf16, 256, AttentionBackwardArguments) {
  attention_backward<96, SmallBackwardSizes<96>, true>(a);
}
KERNEL(attention_backward_128_small_first_bf16, 256, AttentionBackwardArguments) {
  attention_backward<128, SmallBackwardSizes<128>, true>(a);
}
