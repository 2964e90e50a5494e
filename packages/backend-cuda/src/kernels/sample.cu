/**
 * sample: draws one index a row: the largest logits first (equal ones by index), at most top_k of them, weights
 * exp((logit - largest) / temperature), the smallest prefix that reaches top_p of their sum, then a draw with Philox.
 * Weights and sums are float64, as in the reference. A row without a distribution (a NaN, +infinity, nothing but
 * -infinity) gives -1.
 */
#include "digits.cuh"
#include "ordered.cuh"
#include "philox.cuh"

/**
 * `workspace` [blocks, 2, width] of 8 bytes; a block takes row after row. top_k: 1 .. width. temperature and top_p: the
 * two words of a float64.
 */
struct SampleArguments {
  const void *logits;
  const int *random;
  int *y;
  u64 *workspace;
  int rows;
  int width;
  int top_k;
  u32 temperature_low;
  u32 temperature_high;
  u32 top_p_low;
  u32 top_p_high;
};

constexpr int MOST_WARPS = 32;
/** So many entries are sorted by comparing all of them with each other. */
constexpr int FEW = 256;
DEVICE int warps() { return blockDim.x / 32; }

/** `counts`: of digits, for every warp; as many bins also find where top_k ends. */
struct Shared {
  u32 counts[MOST_WARPS * DIGITS];
  u32 words[MOST_WARPS];
  double doubles[MOST_WARPS];
  u32 largest;
  u32 last_bin;
  int found;
  double total;
};

/** Sorts upward: the largest logit has the smallest key. */
template <class T>
DEVICE u32 key_of(T logit) {
  return ~ordered(to_float(logit));
}

DEVICE double double_of(u32 low, u32 high) { return __longlong_as_double(static_cast<long long>(high) << 32 | low); }

/** Neighbours among `count` elements. */
struct Run {
  int begin;
  int end;
};
/** A warp's: whole rounds of 32. */
DEVICE Run run_of_warp(int count) {
  const int threads = blockDim.x, length = (count + threads - 1) / threads * 32;
  const int begin = min(count, warp_index() * length);
  return {begin, min(count, begin + length)};
}
/** A thread's. */
DEVICE Run run_of_thread(int count) {
  const int threads = blockDim.x, thread = threadIdx.x, length = (count + threads - 1) / threads;
  const int begin = min(count, thread * length);
  return {begin, min(count, begin + length)};
}

DEVICE void zero_counts(Shared& shared) {
  for (int i = threadIdx.x; i < warps() * DIGITS; i += blockDim.x) shared.counts[i] = 0;
  __syncthreads();
}

template <class T>
DEVICE u32 largest_of(const T* logits, int width, Shared& shared) {
  u32 largest = 0;
  for (int i = threadIdx.x; i < width; i += blockDim.x) largest = max(largest, ordered(to_float(logits[i])));
  if (threadIdx.x == 0) shared.largest = 0;
  __syncthreads();
  atomicMax(&shared.largest, largest);
  __syncthreads();
  return shared.largest;
}

/** What a key is shifted by for a bin of as many leading bits as there are counters for. */
DEVICE int bin_shift() { return __clz(warps() * DIGITS) + 1; }

/** The bin in which the top_k-th entry lies. */
template <class T>
DEVICE u32 last_bin(const T* logits, int width, u32 top_k, Shared& shared) {
  zero_counts(shared);
  for (int i = threadIdx.x; i < width; i += blockDim.x) atomicAdd(&shared.counts[key_of(logits[i]) >> bin_shift()], 1u);
  __syncthreads();
  const Run bins = run_of_thread(warps() * DIGITS);
  u32 sum = 0;
  for (int bin = bins.begin; bin < bins.end; bin++) sum += shared.counts[bin];
  u32 before = block_sum_before(sum, shared.words);
  for (int bin = bins.begin; bin < bins.end; bin++) {
    const u32 after = before + shared.counts[bin];
    if (before < top_k && top_k <= after) shared.last_bin = bin;
    before = after;
  }
  __syncthreads();
  return shared.last_bin;
}

/** Entries (key, index) whose leading bits are at most `bin`, by index. Returns how many. */
template <class T>
DEVICE int gather(const T* logits, int width, u32 bin, u64* to, Shared& shared) {
  const Run run = run_of_warp(width);
  const auto is_kept = [&](int i) { return i < run.end && key_of(logits[i]) >> bin_shift() <= bin; };
  u32 count = 0;
  for (int first = run.begin; first < run.end; first += 32)
    count += __popc(__ballot_sync(FULL_WARP, is_kept(first + lane_index())));
  __syncthreads();
  if (lane_index() == 0) shared.words[warp_index()] = count;
  __syncthreads();
  u32 place = 0, all = 0;
  for (int warp = 0; warp < warps(); warp++) {
    if (warp < warp_index()) place += shared.words[warp];
    all += shared.words[warp];
  }
  for (int first = run.begin; first < run.end; first += 32) {
    const int i = first + lane_index();
    const bool kept = is_kept(i);
    const u32 lanes = __ballot_sync(FULL_WARP, kept);
    if (kept)
      to[place + __popc(lanes & lanes_below())] = static_cast<u64>(key_of(logits[i])) << 32 | static_cast<u32>(i);
    place += __popc(lanes);
  }
  __syncthreads();
  return static_cast<int>(all);
}

/** Few entries: each goes where as many are smaller. */
DEVICE void sort_few(const u64* from, u64* to, int count) {
  for (int i = threadIdx.x; i < count; i += blockDim.x) {
    const u64 entry = from[i];
    int smaller = 0;
    for (int j = 0; j < count; j++) smaller += from[j] < entry;
    to[smaller] = entry;
  }
  __syncthreads();
}

/** Sorts by key, equal keys in their order. The passes are even, so the result is in `from` again. */
DEVICE void sort_many(u64* from, u64* to, int count, Shared& shared) {
  const Run run = run_of_warp(count);
  u32* mine = shared.counts + warp_index() * DIGITS;
  for (int shift = 32; shift < 64; shift += DIGIT_BITS) {
    const auto digit_of = [&](int i) { return static_cast<u32>(from[i] >> shift) & (DIGITS - 1); };
    zero_counts(shared);
    count_run(mine, run.begin, run.end, digit_of);
    __syncthreads();
    // Where the first of each digit goes, then where each warp's do. A block may have fewer threads than digits.
    const Run digits = run_of_thread(DIGITS);
    u32 sum = 0;
    for (int digit = digits.begin; digit < digits.end; digit++)
      for (int warp = 0; warp < warps(); warp++) sum += shared.counts[warp * DIGITS + digit];
    u32 place = block_sum_before(sum, shared.words);
    for (int digit = digits.begin; digit < digits.end; digit++) {
      for (int warp = 0; warp < warps(); warp++) {
        u32& here = shared.counts[warp * DIGITS + digit];
        const u32 next = place + here;
        here = place;
        place = next;
      }
    }
    __syncthreads();
    scatter_run(mine, run.begin, run.end, digit_of, [&](int i, u32 at) { to[at] = from[i]; });
    __syncthreads();
    u64* swap = from;
    from = to;
    to = swap;
  }
}

/** Weights in the order of the draw; a thread has a share of neighbours, and knows the sum before it. */
struct Weights {
  const double* weights;
  Run run;
  double before;

  /**
   * The first i where reached(sum of the weights up to and with i), or `none`; every thread gets it, and shared.total
   * the sum there.
   */
  template <class Reached>
  DEVICE int first(Reached reached, int none, Shared& shared) const {
    __syncthreads();
    if (threadIdx.x == 0) shared.found = none;
    __syncthreads();
    double sum = before;
    int i = run.begin;
    for (; i < run.end; i++) {
      sum += weights[i];
      if (reached(sum)) break;
    }
    if (i < run.end) atomicMin(&shared.found, i);
    __syncthreads();
    if (i < run.end && i == shared.found) shared.total = sum;
    __syncthreads();
    return shared.found;
  }
};

template <class T>
DEVICE int draw(const SampleArguments& a, int row, Shared& shared) {
  const T* logits = static_cast<const T*>(a.logits) + row * static_cast<long long>(a.width);
  const u32 largest = largest_of(logits, a.width, shared);
  // Infinities and what is above, and nothing but -infinity.
  if (largest >= 0xff800000u || largest == 0x007fffffu) return -1;
  const double top = __uint_as_float(largest >> 31 ? largest & 0x7fffffffu : ~largest);

  u64 *gathered = a.workspace + blockIdx.x * 2LL * a.width, *other = gathered + a.width;
  const u32 bin = a.top_k < a.width ? last_bin(logits, a.width, static_cast<u32>(a.top_k), shared) : 0xffffffffu;
  const int count = gather(logits, a.width, bin, gathered, shared);
  const bool few = count <= FEW;
  if (few) sort_few(gathered, other, count);
  else sort_many(gathered, other, count, shared);
  const u64* entries = few ? other : gathered;
  double* weights = reinterpret_cast<double*>(few ? gathered : other);
  const double temperature = double_of(a.temperature_low, a.temperature_high);
  const Run run = run_of_thread(a.top_k);
  double sum = 0;
  for (int i = run.begin; i < run.end; i++) {
    weights[i] = exp((to_float(logits[static_cast<u32>(entries[i])]) - top) / temperature);
    sum += weights[i];
  }
  const Weights shares{weights, run, block_sum_before(sum, shared.doubles)};
  if (threadIdx.x == blockDim.x - 1) shared.total = shares.before + sum;
  __syncthreads();
  const double top_p = double_of(a.top_p_low, a.top_p_high), enough = top_p * shared.total;
  int last = a.top_k - 1;
  if (top_p < 1) last = shares.first([=](double reached) { return reached >= enough; }, last, shared);
  const double uniform = (philox(a.random, static_cast<u32>(row)).at[0] >> 8) * 0x1p-24;
  const double target = uniform * shared.total;
  const int drawn = shares.first([=](double reached) { return reached > target; }, last, shared);
  return static_cast<int>(static_cast<u32>(entries[min(drawn, last)]));
}

template <class T>
DEVICE void sample(const SampleArguments& a) {
  __shared__ Shared shared;
  for (int row = blockIdx.x; row < a.rows; row += gridDim.x) {
    const int index = draw<T>(a, row, shared);
    if (threadIdx.x == 0) a.y[row] = index;
    __syncthreads();
  }
}

KERNEL(sample_f32, 1024, SampleArguments) { sample<float>(a); }
KERNEL(sample_bf16, 1024, SampleArguments) { sample<bf16>(a); }
