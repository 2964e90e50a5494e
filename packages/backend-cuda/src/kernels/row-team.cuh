/**
 * Rows that are held in registers: who shares one, how it is loaded and stored, sums over it. Each thread holds up to 8
 * vectors of 16 bytes as 32-bit words: two bf16, the earlier one in the lower half, or one float. Vectors past the end of
 * the row are 0. Rows are whole vectors at multiples of 16 bytes; others are for row-any.cuh.
 *
 * Order of the entries in a row: warp of the team, vector of the thread, lane, entry of the vector.
 */
#pragma once
#include "halves.cuh"

/** Vectors of a thread at most, and words of a vector. */
constexpr int VECTORS = 8;
constexpr int WORDS = 4;

/** A row of `T` is shared by LANES lanes (32, or 16 where WARPS is 1) of each of WARPS warps. */
template <class Entry, int LANES_, int WARPS_>
struct Team {
  using T = Entry;
  static constexpr int LANES = LANES_, WARPS = WARPS_;
  /** Of a block: 256 where a team is at most one warp, else one team. */
  static constexpr int THREADS = WARPS == 1 ? 256 : WARPS * 32;
  static constexpr int TEAMS = THREADS / (LANES * WARPS);
  /** Entries of a vector and of a word. */
  static constexpr int N = WIDE<T>, IN_WORD = N / WORDS;
};

/** What this thread holds of a row, whatever the row. */
struct Place {
  /** First entry of its first vector; its next ones are LANES · N entries on. */
  int first;
  /** Vectors in use by the team's threads: later ones hold nothing. */
  int vectors;
  /** Entries of the row from `first` on that belong to this warp; may be negative. */
  int left;
};

template <class Team>
DEVICE Place place_of(int width) {
  constexpr int N = Team::N, LANES = Team::LANES, WARPS = Team::WARPS;
  const int vectors = (width + LANES * WARPS * N - 1) / (LANES * WARPS * N);
  const int warp = WARPS == 1 ? 0 : warp_index(), of_warp = vectors * LANES * N;
  const int first = warp * of_warp + (lane_index() & (LANES - 1)) * N;
  return {first, vectors, min(width, (warp + 1) * of_warp) - first};
}
/** Whether this thread's vector v is of the row. */
template <class Team>
DEVICE bool holds(const Place& place, int v) {
  return place.left > v * (Team::LANES * Team::N);
}

/**
 * run(row, place) for the team's rows, the warp's lanes together. Of two rows in a warp the second may be missing: its lanes
 * get the last row with a place that holds nothing; they take part in sums with zeros.
 */
template <class Team, class Run>
DEVICE void each_row(int rows, const Place& place, Run run) {
  constexpr int IN_WARP = 32 / Team::LANES;
  const int own = IN_WARP > 1 ? lane_index() / Team::LANES : 0;
  const int first = blockIdx.x * Team::TEAMS + (Team::WARPS == 1 ? warp_index() * IN_WARP : 0);
  for (int base = first; base < rows; base += gridDim.x * Team::TEAMS) {
    Place mine = place;
    if (IN_WARP > 1 && base + own >= rows) mine.left = 0;
    run(min(base + own, rows - 1), mine);
  }
}
/** Whether this thread speaks for its row. */
DEVICE bool is_first(const Place& place) { return place.first == 0 && place.left > 0; }

/** Vector v of the row that starts at `row`. */
template <class Team>
DEVICE void load_words(u32 (&words)[WORDS], const typename Team::T* row, const Place& place, int v) {
  const bool mine = holds<Team>(place, v);
  const u32* from = reinterpret_cast<const u32*>(row + place.first + v * (Team::LANES * Team::N));
  Vector<u32, WORDS> vector{};
  if (mine) vector = load_vector<WORDS>(from);
#pragma unroll
  for (int i = 0; i < WORDS; i++) words[i] = vector.at[i];
}
template <class Team>
DEVICE void store_words(typename Team::T* row, const Place& place, int v, const u32 (&words)[WORDS]) {
  if (!holds<Team>(place, v)) return;
  u32* to = reinterpret_cast<u32*>(row + place.first + v * (Team::LANES * Team::N));
  store_vector(to, Vector<u32, WORDS>{{words[0], words[1], words[2], words[3]}});
}

/** The entries of a word as floats, and back; one rounding. */
template <class T>
DEVICE void unpack(float (&to)[sizeof(u32) / sizeof(T)], u32 word);
template <>
DEVICE void unpack<float>(float (&to)[1], u32 word) {
  to[0] = __uint_as_float(word);
}
template <>
DEVICE void unpack<bf16>(float (&to)[2], u32 word) {
  to[0] = low_bf16(word);
  to[1] = high_bf16(word);
}
DEVICE u32 packed(const float (&from)[1]) { return __float_as_uint(from[0]); }
DEVICE u32 packed(const float (&from)[2]) { return pack_bf16(from[0], from[1]); }

/** What the warps of a team tell each other through shared memory, one word each; two turns, so that one barrier does. */
template <class Team>
struct Exchange {
  u32 (&slots)[2][Team::WARPS];
  int turn = 0;

  /** Every warp's word, the same in all of its lanes. The pointer is good until the call after the next. */
  DEVICE const u32* all(u32 word) {
    turn ^= 1;
    if (lane_index() == 0) slots[turn][warp_index()] = word;
    __syncthreads();
    return slots[turn];
  }
};

/** Sums in a fixed order. */
template <class Team>
DEVICE float team_sum(float x, Exchange<Team>& exchange) {
#pragma unroll
  for (int step = Team::LANES / 2; step > 0; step >>= 1) x += __shfl_xor_sync(FULL_WARP, x, step);
  if (Team::WARPS == 1) return x;
  const u32* sums = exchange.all(__float_as_uint(x));
  float sum = 0;
#pragma unroll
  for (int warp = 0; warp < Team::WARPS; warp++) sum += __uint_as_float(sums[warp]);
  return sum;
}
template <class Team>
DEVICE u32 team_largest(u32 x, Exchange<Team>& exchange) {
  if (Team::LANES == 32) x = warp_largest(x);
  else
#pragma unroll
    for (int step = Team::LANES / 2; step > 0; step >>= 1) x = max(x, __shfl_xor_sync(FULL_WARP, x, step));
  if (Team::WARPS == 1) return x;
  const u32* all = exchange.all(x);
  u32 largest = 0;
#pragma unroll
  for (int warp = 0; warp < Team::WARPS; warp++) largest = max(largest, all[warp]);
  return largest;
}
/** The sum over the lanes that this warp gives to a row. Two rows in one warp: sums below 2^16. */
template <class Team>
DEVICE u32 lanes_count(u32 x) {
  if (Team::LANES == 32) return warp_count(x);
  const int shift = lane_index() & 16;
  return (warp_count(x << shift) >> shift) & 0xffffu;
}
template <class Team>
DEVICE u32 team_count(u32 x, Exchange<Team>& exchange) {
  x = lanes_count<Team>(x);
  if (Team::WARPS == 1) return x;
  const u32* counts = exchange.all(x);
  u32 sum = 0;
#pragma unroll
  for (int warp = 0; warp < Team::WARPS; warp++) sum += counts[warp];
  return sum;
}
