/**
 * compact: the entries of each row that are not zero, as a list in ascending order, with their values or, for rows on int8
 * levels, the levels. A block a row, and a run of the row for each warp: it counts, learns where its first entry goes, and
 * writes.
 */
#include "digits.cuh"

struct CompactArguments {
  const void *x;
  int *indices;
  float *values;
  signed char *codes;
  int *count;
  float *scale;
  int width;
  int keep;
};

constexpr int THREADS = 512;
constexpr u32 NOT_FINITE = 0x7f800000u;

/** The level round(127 x / largest), half to even; neither NaN nor infinite. */
DEVICE signed char level_of(float x, float largest) {
  const float level = rintf(__fdiv_rn(127 * x, largest));
  return static_cast<signed char>(fminf(fmaxf(level, -127.0f), 127.0f));
}

template <class T>
DEVICE void compact(const CompactArguments& a) {
  __shared__ u32 counts[THREADS / 32];
  __shared__ float largests[32];
  const T* x = static_cast<const T*>(a.x) + static_cast<long long>(blockIdx.x) * a.width;
  const int warps = THREADS / 32, run = (a.width + 32 * warps - 1) / (32 * warps) * 32;
  const int begin = warp_index() * run, end = min(begin + run, a.width);
  u32 own = 0;
  float largest = 0;
  bool broken = false;
  for (int first = begin; first < end; first += 32) {
    const int i = first + lane_index();
    const float entry = i < end ? to_float(x[i]) : 0.0f;
    own += __popc(__ballot_sync(FULL_WARP, entry != 0));
    broken |= (__float_as_uint(entry) & 0x7fffffffu) >= NOT_FINITE;
    largest = fmaxf(largest, fabsf(entry));
  }
  if (lane_index() == 0) counts[warp_index()] = own;
  // Infinity is larger than all, and says for NaN too that the row is broken.
  largest = block_max<THREADS>(broken ? __uint_as_float(NOT_FINITE) : largest, largests);
  const bool finite = __float_as_uint(largest) < NOT_FINITE;
  const float scale_of = fmaxf(largest, 1e-5f);
  u32 before = 0, all = 0;
  for (int warp = 0; warp < warps; warp++) {
    if (warp < warp_index()) before += counts[warp];
    all += counts[warp];
  }
  const long long list = static_cast<long long>(blockIdx.x) * a.keep;
  const u32 keep = a.keep, found = min(all, keep);
  const auto write = [&](u32 place, int index, float entry) {
    a.indices[list + place] = index;
    if (a.codes) a.codes[list + place] = finite ? level_of(entry, scale_of) : 0;
    else a.values[list + place] = entry;
  };
  for (int first = begin; first < end && before < keep; first += 32) {
    const int i = first + lane_index();
    const float entry = i < end ? to_float(x[i]) : 0.0f;
    const u32 lanes = __ballot_sync(FULL_WARP, entry != 0);
    const u32 place = before + __popc(lanes & lanes_below());
    if (entry != 0 && place < keep) write(place, i, entry);
    before += __popc(lanes);
  }
  for (u32 place = found + threadIdx.x; place < keep; place += THREADS) write(place, 0, 0.0f);
  if (threadIdx.x > 0) return;
  a.count[blockIdx.x] = found;
  if (a.codes) a.scale[blockIdx.x] = finite ? scale_of / 127 : __uint_as_float(0x7fffffffu);
}

KERNEL(compact_f32, 512, CompactArguments) { compact<float>(a); }
KERNEL(compact_bf16, 512, CompactArguments) { compact<bf16>(a); }
