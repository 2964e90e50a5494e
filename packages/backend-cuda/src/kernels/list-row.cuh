/**
 * Rows in registers written as lists of what stays, in ascending order: what compact makes of what sparsify gives, to the
 * last bit, without that in between.
 */
#pragma once
#include "sparsify-row.cuh"

struct Lists {
  int* indices;
  /** 0 where codes are written. */
  float* values;
  signed char* codes;
  int* count;
  float* scale;
  /** Places of a list. */
  int length;
  /** Whether what is not finite makes its whole row NaN. */
  bool poisons;
};

/** Entry j of a word as a float. */
template <class T>
DEVICE float entry_of(u32 word, int j) {
  if (sizeof(T) == 4) return __uint_as_float(word);
  return j == 0 ? low_bf16(word) : high_bf16(word);
}

/** Places of this thread's entries in the list of its row; `flags`: N bits a vector, its entries in order. */
template <class Team>
struct Ranks {
  static constexpr int BITS = 10, IN_WORD = 3, COUNTS = (VECTORS + IN_WORD - 1) / IN_WORD;
  u32 before[COUNTS], totals[COUNTS];
  /** Entries of the warps before, and of the row. */
  int first, all;

  static DEVICE u32 field(const u32 (&counts)[COUNTS], int v) {
    return counts[v / IN_WORD] >> (BITS * (v % IN_WORD)) & ((1u << BITS) - 1);
  }

  DEVICE Ranks(const u32 (&flags)[VECTORS], Exchange<Team>& exchange) {
    const int lane = lane_index() & (Team::LANES - 1);
    u32 sum = 0;
#pragma unroll
    for (int c = 0; c < COUNTS; c++) before[c] = 0;
#pragma unroll
    for (int v = 0; v < VECTORS; v++)
      before[v / IN_WORD] |= static_cast<u32>(__popc(flags[v])) << (BITS * (v % IN_WORD));
#pragma unroll
    for (int c = 0; c < COUNTS; c++) {
      const u32 own = before[c];
#pragma unroll
      for (int step = 1; step < Team::LANES; step <<= 1) {
        const u32 other = __shfl_up_sync(FULL_WARP, before[c], step, Team::LANES);
        if (lane >= step) before[c] += other;
      }
      totals[c] = __shfl_sync(FULL_WARP, before[c], Team::LANES - 1, Team::LANES);
      before[c] -= own;
    }
#pragma unroll
    for (int v = 0; v < VECTORS; v++) sum += field(totals, v);
    first = 0;
    all = static_cast<int>(sum);
    if (Team::WARPS == 1) return;
    const u32* sums = exchange.all(sum);
    all = 0;
#pragma unroll
    for (int warp = 0; warp < Team::WARPS; warp++) {
      if (warp == warp_index()) first = all;
      all += static_cast<int>(sums[warp]);
    }
  }
};

/** Writes the list of row `index`; `largest`: the largest key of the row. Every thread of the warp must call. */
template <class Team, class Masks>
DEVICE void write_list(const Lists& lists, int index, const u32 (&row)[VECTORS][WORDS], const Place& place, int largest,
                       Masks masks_of, Exchange<Team>& exchange) {
  using T = typename Team::T;
  constexpr int N = Team::N, IN_WORD = Team::IN_WORD;
  const bool levels = lists.codes != nullptr;
  const bool broken = lists.poisons && largest >= NOT_FINITE<T>;
  const float most = __uint_as_float(static_cast<u32>(largest) << (sizeof(T) == 2 ? 16 : 0));
  const Levels<T> rounding(levels && !broken ? most : 1.0f);
  u32 flags[VECTORS];
#pragma unroll
  for (int v = 0; v < VECTORS; v++) {
    flags[v] = 0;
    if (v >= place.vectors) continue;
    u32 masks[WORDS];
    masks_of(masks, v);
#pragma unroll
    for (int i = 0; i < WORDS; i++) {
      // What keeps everything keeps NaN too, which is in no order.
      const u32 word = lists.poisons ? row[v][i] & masks[i] : row[v][i];
#pragma unroll
      for (int j = 0; j < IN_WORD; j++) {
        const float entry = entry_of<T>(word, j);
        const bool stays = broken || (levels ? rounding.code(entry) != 0 : entry != 0);
        flags[v] |= (stays ? 1u : 0u) << (i * IN_WORD + j);
      }
    }
    if (!holds<Team>(place, v)) flags[v] = 0;
  }
  const Ranks<Team> ranks(flags, exchange);
  const long long list = static_cast<long long>(index) * lists.length;
  const auto write = [&](int at, int channel, float value) {
    lists.indices[list + at] = channel;
    if (levels) lists.codes[list + at] = static_cast<signed char>(value);
    else lists.values[list + at] = value;
  };
  const float poison = levels ? 0.0f : __uint_as_float(NAN_WORD<float>);
  int at = ranks.first;
#pragma unroll
  for (int v = 0; v < VECTORS; v++) {
    if (v >= place.vectors) break;
    const int start = at + static_cast<int>(Ranks<Team>::field(ranks.before, v));
    at += static_cast<int>(Ranks<Team>::field(ranks.totals, v));
    const int channel = place.first + v * (Team::LANES * N);
#pragma unroll
    for (int e = 0; e < N; e++) {
      const int to = start + __popc(flags[v] & ((1u << e) - 1));
      if (!(flags[v] >> e & 1) || to >= lists.length) continue;
      const float entry = entry_of<T>(row[v][e / IN_WORD], e % IN_WORD);
      write(to, channel + e, broken ? poison : levels ? rounding.code(entry) : entry);
    }
  }
  // Of two rows in a warp the second may be missing: none of its lanes writes.
  const bool is_row = Team::WARPS > 1 || __shfl_sync(FULL_WARP, place.left, 0, Team::LANES) > 0;
  if (!is_row) return;
  const int thread = Team::WARPS > 1 ? threadIdx.x : lane_index() & (Team::LANES - 1);
  const int found = min(ranks.all, lists.length);
  for (int empty = found + thread; empty < lists.length; empty += Team::LANES * Team::WARPS) write(empty, 0, 0.0f);
  if (!is_first(place)) return;
  lists.count[index] = found;
  if (!levels) return;
  // The largest of what stays, as compact finds it.
  const float top = to_float(from_float<T>(rounding.of(most)));
  lists.scale[index] = broken ? __uint_as_float(NAN_WORD<float>) : fmaxf(top, 1e-5f) / 127;
}
