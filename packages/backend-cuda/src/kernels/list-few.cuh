/**
 * Lists of few bf16 rows, a block each: what list-row.cuh makes of them, to the last bit, but with the threads of a whole
 * block for one row. What counts is how long one row takes: every load is under way at once, the cut is searched two
 * pivots at a time, and the list is written in the order of its memory.
 *
 * Order of the entries in a row: warp, vector of the thread, lane, entry of the vector.
 */
#pragma once
#include "list-row.cuh"

/** Stands for the block's warps, of which there may be fewer. */
using FewTeam = Team<bf16, 32, 32>;

/** Where this thread's HELD vectors lie: the first one's index in the row; the next ones are 32 on. */
template <int HELD>
DEVICE int first_vector() {
  return warp_index() * (HELD * 32) + lane_index();
}

/** This thread's vectors of a row; 0 past its end. */
template <int HELD>
DEVICE void load_held(u32 (&to)[HELD][WORDS], const bf16* row, int width) {
  const int first = first_vector<HELD>();
#pragma unroll
  for (int v = 0; v < HELD; v++) {
    const int at = first + v * 32;
    Vector<u32, WORDS> vector{};
    if (at * FewTeam::N < width) vector = load_vector<WORDS>(reinterpret_cast<const u32*>(row) + at * WORDS);
#pragma unroll
    for (int i = 0; i < WORDS; i++) to[v][i] = vector.at[i];
  }
}

/** The norm's weights of this thread's vectors; 1 where there is none. */
template <int HELD, class T>
DEVICE void load_factors(float (&to)[HELD][FewTeam::N], const T* weight, int width) {
  constexpr int N = FewTeam::N;
  const int first = first_vector<HELD>();
#pragma unroll
  for (int v = 0; v < HELD; v++) {
    const int at = (first + v * 32) * N;
#pragma unroll
    for (int j = 0; j < N; j += 4)
      if (at < width) load_four(to[v] + j, weight + at + j);
  }
}

/** Has the norm's weights brought near while the launches before this one end. */
DEVICE void fetch_factors(const void* weight, int width, bool is_bf16) {
  if (weight && blockIdx.x == 0 && threadIdx.x == 0) fetch_into_cache(weight, static_cast<u32>(width) * (is_bf16 ? 2 : 4));
}

/** The sum of squares that the threads of Old find, which norms rows elsewhere: in its order. Every thread must call. */
template <class Old>
DEVICE float squares_as(const u32* memory, int width, float scale, Exchange<FewTeam>& exchange) {
  float sum = 0;
  if (warp_index() < Old::WARPS) {
    const Place place = place_of<Old>(width);
    u32 row[VECTORS][WORDS];
#pragma unroll
    for (int v = 0; v < VECTORS; v++) {
      Vector<u32, WORDS> vector{};
      if (holds<Old>(place, v)) vector = load_vector<WORDS>(memory + (place.first / Old::N + v * Old::LANES) * WORDS);
#pragma unroll
      for (int i = 0; i < WORDS; i++) row[v][i] = vector.at[i];
    }
    sum = squares_of<Old>(row, place.vectors, scale);
#pragma unroll
    for (int step = Old::LANES / 2; step > 0; step >>= 1) sum += __shfl_xor_sync(FULL_WARP, sum, step);
  }
  const u32* sums = exchange.all(__float_as_uint(sum));
  sum = __uint_as_float(sums[0]);
#pragma unroll
  for (int warp = 1; warp < Old::WARPS; warp++) sum += __uint_as_float(sums[warp]);
  return sum;
}
/** The teams are those of row-team.ts. */
DEVICE float squares_in_order(const u32* memory, int width, float scale, Exchange<FewTeam>& exchange) {
  if (width <= 1024) return squares_as<Team<bf16, 16, 1>>(memory, width, scale, exchange);
  if (width <= 2048) return squares_as<Team<bf16, 32, 1>>(memory, width, scale, exchange);
  if (width <= 8192) return squares_as<Team<bf16, 32, 4>>(memory, width, scale, exchange);
  return squares_as<Team<bf16, 32, 8>>(memory, width, scale, exchange);
}

/** As inverse_rms of row-norm.cuh. */
DEVICE float inverse_rms_in_order(const u32* memory, int width, float epsilon, Exchange<FewTeam>& exchange) {
  const float sum = squares_in_order(memory, width, 1, exchange);
  if (sum < __uint_as_float(0x7f800000u)) return 1 / sqrtf(sum / width + epsilon);
  const float small = squares_in_order(memory, width, SQUARES_DOWN, exchange);
  return SQUARES_DOWN / sqrtf(small / width + epsilon * SQUARES_DOWN * SQUARES_DOWN);
}

/** How many of this thread's keys are at least `pivot`, which is at least 1. No NaN. */
template <int HELD>
DEVICE u32 held_from(const u32 (&row)[HELD][WORDS], int pivot) {
  const u32 bound = key_word<bf16>(pivot);
  u32 sum = 0;
#pragma unroll
  for (int v = 0; v < HELD; v++) count_vector<bf16>(sum, row[v], bound);
  return pairs_counted(sum);
}

/** The sum over the block of two counts in the halves of a word, each below 2^16 also as a sum. Every thread must call. */
DEVICE u32 block_counts(u32 counts, Exchange<FewTeam>& exchange) {
  const u32* all = exchange.all(warp_count(counts));
  return warp_count(lane_index() < static_cast<int>(blockDim.x >> 5) ? all[lane_index()] : 0u);
}

/** The cut for `keep`, 1 to width - 1, of a row whose largest key is `largest`, which is finite. */
template <int HELD>
DEVICE Cut find_few_cut(const u32 (&row)[HELD][WORDS], int width, int keep, int largest, Exchange<FewTeam>& exchange) {
  constexpr int UNIT = OCTAVE<bf16>;
  // At least low: low_count >= keep; at least high: high_count < keep.
  int low = 0, low_count = width, high = largest + 1, high_count = 0;
  // Powers of two from `high` down to the pivots while nothing is known of what lies below.
  int near = UNIT * 3 / 2, far = UNIT * 4;
  bool evenly = false;
  while (low_count != keep && high - low > 1) {
    const int keys = high - low;
    int first = high - far, second = high - near;
    if (low > 0 && (evenly || keys <= 4)) {
      first = low + keys / 3;
      second = low + 2 * keys / 3;
    } else if (low > 0) {
      // As if the keys between two counts were evenly spread.
      const float share = __fdividef(low_count - keep + 0.5f, static_cast<float>(low_count - high_count));
      const int guess = low + static_cast<int>(share * keys), margin = max(1, keys / 16);
      first = guess - margin + 1;
      second = guess + margin;
    }
    first = max(low + 1, min(first, high - 1));
    second = max(first, min(second, high - 1));
    const u32 counts = block_counts(held_from<HELD>(row, first) | held_from<HELD>(row, second) << 16, exchange);
    const int first_count = counts & 0xffffu, second_count = counts >> 16;
    if (second_count >= keep) {
      low = second;
      low_count = second_count;
    } else {
      high = second;
      high_count = second_count;
      if (first_count >= keep) {
        low = first;
        low_count = first_count;
      } else {
        high = first;
        high_count = first_count;
      }
    }
    evenly = !evenly && high - low > keys / 4;
    // Not farther than all keys: then either something is known or the search is over.
    if (low == 0) {
      near *= 2;
      far *= 4;
    }
  }
  if (low_count == keep) return {low, 0};
  return {high, keep - high_count};
}

/** The least key whose level is not 0. */
DEVICE int least_of_levels(const Levels<bf16>& levels) {
  const int start = max(1, static_cast<int>(__float_as_uint(__fdividef(0.5f, levels.scale)) >> 16) - 1);
  int least = start;
#pragma unroll
  for (int i = 0; i < 3; i++) least += levels.code(__uint_as_float(static_cast<u32>(start + i) << 16)) == 0 ? 1 : 0;
  return least;
}

/** The list of row `index` where it is not finite: its first channels. */
DEVICE void write_broken(const Lists& lists, int index) {
  const long long list = static_cast<long long>(index) * lists.length;
  for (int at = threadIdx.x; at < lists.length; at += blockDim.x) {
    lists.indices[list + at] = at;
    if (lists.codes) lists.codes[list + at] = 0;
    else lists.values[list + at] = __uint_as_float(NAN_WORD<float>);
  }
  if (threadIdx.x > 0) return;
  lists.count[index] = lists.length;
  if (lists.codes) lists.scale[index] = __uint_as_float(NAN_WORD<float>);
}

/** How many of this thread's keys are at least `bound`, 1 or more; NaN counts by its bits. */
template <int HELD>
DEVICE u32 keys_from(const u32 (&row)[HELD][WORDS], int bound) {
  // Keys have 15 bits, so that nothing is borrowed or carried between halves: bit 15 says which one is larger.
  const u32 above = 0x80008000u - key_word<bf16>(bound);
  u32 counts = 0;
#pragma unroll
  for (int v = 0; v < HELD; v++)
#pragma unroll
    for (int i = 0; i < WORDS; i++) counts += ((row[v][i] & 0x7fff7fffu) + above) >> 15 & 0x00010001u;
  return (counts & 0xffffu) + (counts >> 16);
}

/**
 * Writes what `cut` keeps of row `index`, by its bits: from cut.above on, and the first cut.ties of the key below. `memory`
 * holds what `row` does, in order; a warp reads what it wrote. Every thread must call.
 */
template <int HELD>
DEVICE void write_cut(const Lists& lists, int index, const u32 (&row)[HELD][WORDS], const u32* memory, const Cut& cut,
                      const Levels<bf16>& levels, Exchange<FewTeam>& exchange) {
  const int lane = lane_index(), warps = static_cast<int>(blockDim.x >> 5);
  const u32 above = keys_from<HELD>(row, cut.above);
  const u32 equal = cut.ties > 0 ? keys_from<HELD>(row, cut.above - 1) - above : 0;
  // Entries above the cut in the lower half, those on it in the upper one: of each warp, all, and those of warps before.
  const u32* of_warps = exchange.all(warp_count(above | equal << 16));
  const u32 counts = lane < warps ? of_warps[lane] : 0;
  const u32 all = warp_count(counts), before = warp_count(lane < warp_index() ? counts : 0);
  const int found = static_cast<int>(all & 0xffffu) + min(static_cast<int>(all >> 16), cut.ties);
  int ties = cut.ties - static_cast<int>(before >> 16);
  int place = static_cast<int>(before & 0xffffu) + cut.ties - max(ties, 0);
  const long long list = static_cast<long long>(index) * lists.length;
  const u32 lower = (1u << lane) - 1;
  const auto write = [&](int at, int channel, float value) {
    lists.indices[list + at] = channel;
    if (lists.codes) lists.codes[list + at] = static_cast<signed char>(levels.code(value));
    else lists.values[list + at] = value;
  };
  // Two entries a lane at a time.
  const int first = warp_index() * (HELD * 32 * WORDS) + lane;
#pragma unroll 4
  for (int chunk = 0; chunk < HELD * WORDS; chunk++) {
    const int word = first + chunk * 32;
    const u32 pair = memory[word];
    const int low = static_cast<int>(pair & 0x7fffu), high = static_cast<int>(pair >> 16 & 0x7fffu);
    bool has_low = low >= cut.above, has_high = high >= cut.above;
    if (ties > 0) {
      const bool low_ties = low == cut.above - 1, high_ties = high == cut.above - 1;
      const u32 lows = __ballot_sync(FULL_WARP, low_ties), highs = __ballot_sync(FULL_WARP, high_ties);
      const int earlier = __popc(lows & lower) + __popc(highs & lower);
      has_low |= low_ties && earlier < ties;
      has_high |= high_ties && earlier + (low_ties ? 1 : 0) < ties;
      ties -= __popc(lows) + __popc(highs);
    }
    const u32 lows = __ballot_sync(FULL_WARP, has_low), highs = __ballot_sync(FULL_WARP, has_high);
    const int at = place + __popc(lows & lower) + __popc(highs & lower);
    if (has_low) write(at, 2 * word, low_bf16(pair));
    if (has_high) write(at + (has_low ? 1 : 0), 2 * word + 1, high_bf16(pair));
    place += __popc(lows) + __popc(highs);
  }
  for (int empty = found + threadIdx.x; empty < lists.length; empty += blockDim.x) {
    lists.indices[list + empty] = 0;
    if (lists.codes) lists.codes[list + empty] = 0;
    else lists.values[list + empty] = 0;
  }
  if (threadIdx.x == 0) lists.count[index] = found;
}

/**
 * The list of the block's row. fetch(sources) starts the loads of all that this thread's part is made of, join(sources)
 * makes it of them, in sources[0]. Shared memory: the row.
 */
template <int HELD, int SOURCES, class Fetch, class Join>
DEVICE void list_of_row(const Site& site, const Lists& lists, Fetch fetch, Join join) {
  DYNAMIC_SHARED(shared);
  __shared__ u32 slots[2][FewTeam::WARPS];
  Exchange<FewTeam> exchange{slots};
  constexpr int N = FewTeam::N;
  u32* memory = reinterpret_cast<u32*>(shared);
  u32 sources[SOURCES][HELD][WORDS];
  float factors[HELD][N];
#pragma unroll
  for (int v = 0; v < HELD; v++)
#pragma unroll
    for (int j = 0; j < N; j++) factors[v][j] = 1;
  fetch(sources);
  if (site.inverse_rms && site.weight.first) {
    if (site.weight.is_bf16) load_factors<HELD>(factors, static_cast<const bf16*>(site.weight.first), site.width);
    else load_factors<HELD>(factors, static_cast<const float*>(site.weight.first), site.width);
  }
  join(sources);
  u32(&row)[HELD][WORDS] = sources[0];
  const int own = first_vector<HELD>();
  const auto keep_row = [&] {
#pragma unroll
    for (int v = 0; v < HELD; v++)
      store_vector(memory + (own + v * 32) * WORDS, Vector<u32, WORDS>{{row[v][0], row[v][1], row[v][2], row[v][3]}});
  };
  keep_row();
  if (site.inverse_rms) {
    __syncthreads();
    const float inverse = inverse_rms_in_order(memory, site.width, site.epsilon, exchange);
#pragma unroll
    for (int v = 0; v < HELD; v++) {
#pragma unroll
      for (int i = 0; i < WORDS; i++) {
        float low = low_bf16(row[v][i]) * inverse, high = high_bf16(row[v][i]) * inverse;
        if (site.weight.first) {
          low *= factors[v][2 * i];
          high *= factors[v][2 * i + 1];
        }
        row[v][i] = pack_bf16(low, high);
      }
    }
    // Every thread has read what it norms by, and from here on each warp reads what it wrote itself.
    keep_row();
  }
  u32 most = 0;
#pragma unroll
  for (int v = 0; v < HELD; v++)
#pragma unroll
    for (int i = 0; i < WORDS; i++) most = larger_halves(most, row[v][i] & 0x7fff7fffu);
  const int lane = lane_index(), warps = static_cast<int>(blockDim.x >> 5), index = blockIdx.x;
  const u32* largests = exchange.all(warp_largest(max(most & 0xffffu, most >> 16)));
  const int largest = static_cast<int>(warp_largest(lane < warps ? largests[lane] : 0u));
  if (lists.poisons && largest >= NOT_FINITE<bf16>) return write_broken(lists, index);
  Cut cut{1, 0};
  if (site.keep < site.width) cut = find_few_cut<HELD>(row, site.width, site.keep, largest, exchange);
  const bool is_levels = lists.codes != nullptr;
  const float top = __uint_as_float(static_cast<u32>(largest) << 16);
  const Levels<bf16> levels(is_levels ? top : 1.0f);
  const int least = is_levels ? least_of_levels(levels) : 1;
  if (cut.above <= least) cut = Cut{least, 0};
  write_cut<HELD>(lists, index, row, memory, cut, levels, exchange);
  if (threadIdx.x > 0 || !is_levels) return;
  lists.scale[index] = fmaxf(to_float(from_float<bf16>(levels.of(top))), 1e-5f) / 127;
}
