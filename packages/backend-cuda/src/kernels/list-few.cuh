/**
 * Lists of few bf16 rows, a block each: what list-row.cuh makes of them, to the last bit, but with the threads of a whole
 * block for one row. What counts is how long one row takes: every load is under way at once, the cut is found by counting
 * every key near the largest ones, and the list is put together in shared memory and written in one go.
 *
 * Order of the entries in a row: thread, vector of the thread, entry of the vector.
 */
#pragma once
#include "list-row.cuh"

/** Stands for the block's warps, of which there may be fewer. */
using FewTeam = Team<bf16, 32, 32>;

/** Where this thread's HELD vectors lie: the first one's index in the row. */
template <int HELD>
DEVICE int first_vector() {
  return static_cast<int>(threadIdx.x) * HELD;
}

/** This thread's vectors of a row; 0 past its end. */
template <int HELD>
DEVICE void load_held(u32 (&to)[HELD][WORDS], const bf16* row, int width) {
  const int first = first_vector<HELD>();
#pragma unroll
  for (int v = 0; v < HELD; v++) {
    const int at = first + v;
    Vector<u32, WORDS> vector{};
    if (at * FewTeam::N < width) vector = load_vector<WORDS>(reinterpret_cast<const u32*>(row) + at * WORDS);
#pragma unroll
    for (int i = 0; i < WORDS; i++) to[v][i] = vector.at[i];
  }
}

/** The norm's weights of this thread's vectors; 1 where there is none. */
template <int HELD, class T>
DEVICE void load_factors(float (&to)[HELD][FewTeam::N], const T* weight, int width) {
  const int first = first_vector<HELD>();
#pragma unroll
  for (int v = 0; v < HELD; v++) {
    const int at = (first + v) * FewTeam::N;
#pragma unroll
    for (int j = 0; j < FewTeam::N; j += 4)
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

/** As inverse_rms of row-norm.cuh. One warp divides for all: the others would stand in its way. */
DEVICE float inverse_rms_in_order(const u32* memory, int width, float epsilon, Exchange<FewTeam>& exchange) {
  const float sum = squares_in_order(memory, width, 1, exchange);
  float inverse = 0;
  if (sum < __uint_as_float(0x7f800000u)) {
    if (warp_index() == 0) inverse = 1 / sqrtf(sum / width + epsilon);
  } else {
    const float small = squares_in_order(memory, width, SQUARES_DOWN, exchange);
    inverse = SQUARES_DOWN / sqrtf(small / width + epsilon * SQUARES_DOWN * SQUARES_DOWN);
  }
  return __uint_as_float(exchange.all(__float_as_uint(inverse))[0]);
}

/** Keys of the window that a thread counts: 2048 for 512 threads, which are 16 powers of two. */
constexpr int KEYS = 4;

/** The sum of x over the threads before this one, and over all. Halves of x may be counts of their own, below 2^16. */
struct Before {
  u32 before;
  u32 all;
};
DEVICE Before block_before(u32 x, Exchange<FewTeam>& exchange) {
  const int lane = lane_index(), warps = static_cast<int>(blockDim.x >> 5);
  u32 upto = x;
#pragma unroll
  for (int step = 1; step < 32; step <<= 1) {
    const u32 other = __shfl_up_sync(FULL_WARP, upto, step);
    if (lane >= step) upto += other;
  }
  const u32* sums = exchange.all(__shfl_sync(FULL_WARP, upto, 31));
  const u32 of_warp = lane < warps ? sums[lane] : 0;
  return {warp_count(lane < warp_index() ? of_warp : 0) + upto - x, warp_count(of_warp)};
}

/**
 * The cut for `keep`, 1 to width - 1, of a row whose largest key is `largest`, which is finite and not 0: each key of a window is
 * counted, from the largest down, and the next window is taken only where that one holds fewer than `keep` entries.
 * bins: KEYS zeros for every thread, seen by all.
 */
template <int HELD>
DEVICE Cut find_few_cut(const u32 (&row)[HELD][WORDS], int keep, int largest, u32* bins, Exchange<FewTeam>& exchange) {
  __shared__ Cut cut;
  const int window = KEYS * static_cast<int>(blockDim.x), own = KEYS * static_cast<int>(threadIdx.x);
  int counted = 0;
  for (int top = largest; top > 0; top -= window) {
    // Entries that are 0 count nowhere: all of them stay or none, and a list has none of them.
    const u32 keys = static_cast<u32>(min(window, top));
    const auto count = [&](u32 key) {
      const u32 below = static_cast<u32>(top) - key;
      if (below < keys) atomicAdd(&bins[below], 1u);
    };
#pragma unroll
    for (int v = 0; v < HELD; v++)
#pragma unroll
      for (int i = 0; i < WORDS; i++) {
        count(row[v][i] & 0x7fffu);
        count(row[v][i] >> 16 & 0x7fffu);
      }
    __syncthreads();
    const Vector<u32, KEYS> found = load_vector<KEYS>(bins + own);
    store_vector(bins + own, Vector<u32, KEYS>{});
    const Before sums = block_before(found.at[0] + found.at[1] + found.at[2] + found.at[3], exchange);
    int before = counted + static_cast<int>(sums.before);
    counted += static_cast<int>(sums.all);
#pragma unroll
    for (int j = 0; j < KEYS; j++) {
      const int upto = before + static_cast<int>(found.at[j]), key = top - own - j;
      if (before < keep && upto >= keep) cut = upto == keep ? Cut{key, 0} : Cut{key + 1, keep - before};
      before = upto;
    }
    __syncthreads();
    if (counted >= keep) return cut;
  }
  return {1, 0};
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

/** A bit for each of this thread's entries, in order, whose key is at least `bound`, 1 or more; NaN counts by its bits. */
template <int HELD>
DEVICE u32 flags_from(const u32 (&row)[HELD][WORDS], int bound) {
  // Keys have 15 bits, so that nothing is borrowed or carried between halves: bit 15 says which one is larger.
  const u32 above = 0x80008000u - key_word<bf16>(bound);
  u32 flags = 0;
#pragma unroll
  for (int v = 0; v < HELD; v++)
#pragma unroll
    for (int i = 0; i < WORDS; i++) {
      const u32 pair = ((row[v][i] & 0x7fff7fffu) + above) >> 15;
      flags |= (pair & 1u) << (FewTeam::N * v + 2 * i) | (pair >> 16 & 1u) << (FewTeam::N * v + 2 * i + 1);
    }
  return flags;
}

/**
 * Writes what `cut` keeps of row `index`, by its bits: from cut.above on, and the first cut.ties of the key below.
 * `entries`: memory for all that stays, the channel of each in the lower half and its bf16 above. Every thread must call.
 */
template <int HELD>
DEVICE void write_cut(const Lists& lists, int index, const u32 (&row)[HELD][WORDS], u32* entries, const Cut& cut,
                      const Levels<bf16>& levels, Exchange<FewTeam>& exchange) {
  u32 stays = flags_from<HELD>(row, cut.above), ties = cut.ties > 0 ? flags_from<HELD>(row, cut.above - 1) & ~stays : 0;
  const Before sums = block_before(static_cast<u32>(__popc(stays) | __popc(ties) << 16), exchange);
  const int ties_before = static_cast<int>(sums.before >> 16);
  const int found = static_cast<int>(sums.all & 0xffffu) + min(static_cast<int>(sums.all >> 16), cut.ties);
  int place = static_cast<int>(sums.before & 0xffffu) + min(ties_before, cut.ties);
  for (int left = cut.ties - ties_before; left > 0 && ties; left--) {
    stays |= ties & (0u - ties);
    ties &= ties - 1;
  }
  const u32 channel = static_cast<u32>(first_vector<HELD>()) * FewTeam::N;
#pragma unroll
  for (int e = 0; e < HELD * FewTeam::N; e++) {
    if (!(stays >> e & 1)) continue;
    const u32 pair = row[e / FewTeam::N][e % FewTeam::N / 2];
    entries[place] = (e % 2 == 0 ? pair << 16 : pair & 0xffff0000u) | (channel + e);
    place++;
  }
  __syncthreads();
  const long long list = static_cast<long long>(index) * lists.length;
  for (int at = threadIdx.x; at < lists.length; at += blockDim.x) {
    const u32 entry = at < found ? entries[at] : 0;
    lists.indices[list + at] = static_cast<int>(entry & 0xffffu);
    if (lists.codes) lists.codes[list + at] = static_cast<signed char>(levels.code(high_bf16(entry)));
    else lists.values[list + at] = high_bf16(entry);
  }
  if (threadIdx.x == 0) lists.count[index] = found;
}

/**
 * The list of the block's row. fetch(sources) starts the loads of all that this thread's part is made of, join(sources)
 * makes it of them, in sources[0]. Shared memory: 4 bytes for each entry that the threads hold.
 */
template <int HELD, int SOURCES, class Fetch, class Join>
DEVICE void list_of_row(const Site& site, const Lists& lists, Fetch fetch, Join join) {
  DYNAMIC_SHARED(shared);
  __shared__ u32 slots[2][FewTeam::WARPS];
  Exchange<FewTeam> exchange{slots};
  // The row, and behind it what counts its keys; then what stays of it.
  u32* memory = reinterpret_cast<u32*>(shared);
  u32* bins = memory + static_cast<int>(blockDim.x) * (HELD * WORDS);
  u32 sources[SOURCES][HELD][WORDS];
  float factors[HELD][FewTeam::N];
#pragma unroll
  for (int v = 0; v < HELD; v++)
#pragma unroll
    for (int j = 0; j < FewTeam::N; j++) factors[v][j] = 1;
  fetch(sources);
  if (site.inverse_rms && site.weight.first) {
    if (site.weight.is_bf16) load_factors<HELD>(factors, static_cast<const bf16*>(site.weight.first), site.width);
    else load_factors<HELD>(factors, static_cast<const float*>(site.weight.first), site.width);
  }
  join(sources);
  u32(&row)[HELD][WORDS] = sources[0];
  store_vector(bins + KEYS * static_cast<int>(threadIdx.x), Vector<u32, KEYS>{});
  if (site.inverse_rms) {
#pragma unroll
    for (int v = 0; v < HELD; v++)
      store_vector(memory + (first_vector<HELD>() + v) * WORDS, Vector<u32, WORDS>{{row[v][0], row[v][1], row[v][2], row[v][3]}});
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
  const bool is_levels = lists.codes != nullptr;
  const float top = __uint_as_float(static_cast<u32>(largest) << 16);
  // One warp divides for all, as above.
  __shared__ float shared_scale, shared_step;
  __shared__ int shared_least;
  if (warp_index() == 0) {
    const Levels<bf16> levels(is_levels ? top : 1.0f);
    const int least = is_levels ? least_of_levels(levels) : 1;
    if (lane == 0) {
      shared_scale = levels.scale;
      shared_step = levels.step;
      shared_least = least;
    }
  }
  Cut cut{1, 0};
  if (site.keep < site.width && largest > 0) cut = find_few_cut<HELD>(row, site.keep, largest, bins, exchange);
  else __syncthreads();
  const Levels<bf16> levels(shared_scale, shared_step);
  if (cut.above <= shared_least) cut = Cut{shared_least, 0};
  write_cut<HELD>(lists, index, row, memory, cut, levels, exchange);
  if (threadIdx.x > 0 || !is_levels) return;
  lists.scale[index] = fmaxf(to_float(from_float<bf16>(levels.of(top))), 1e-5f) / 127;
}
