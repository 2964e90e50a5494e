/**
 * The same as sparsify-row.cuh for every other row: any width and alignment, a selection inside blocks of any length. A
 * block of threads has a row. It reads h from `values`: shared memory where it fits, else x again and again.
 */
#pragma once
#include "row-any.cuh"
#include "sparsify-row.cuh"

template <class T>
DEVICE int key_of(T x);
template <>
DEVICE int key_of<float>(float x) {
  return static_cast<int>(__float_as_uint(x) & 0x7fffffffu);
}
template <>
DEVICE int key_of<bf16>(bf16 x) {
  return x.bits & 0x7fff;
}

/** Of the lanes in `lanes`, those before this one. */
DEVICE int lanes_before(u32 lanes) { return __popc(lanes & ((1u << lane_index()) - 1)); }

/**
 * write(i, kept) for every i of a row, in order of tiles. kept: key of at least cut.above, or among the first cut.ties
 * entries of the key below.
 */
template <class T, class Values, class Write>
DEVICE void write_cut(int width, const Cut& cut, Values values, Write write, u32* counts) {
  int left = cut.ties;
  for (int tile = 0; tile < width; tile += ANY_THREADS) {
    const int i = tile + threadIdx.x, key = i < width ? key_of<T>(values(i)) : -1;
    bool kept = key >= cut.above;
    if (left > 0) {
      const bool tied = key >= 0 && key == cut.above - 1;
      const u32 lanes = __ballot_sync(FULL_WARP, tied);
      __syncthreads();
      if (lane_index() == 0) counts[warp_index()] = static_cast<u32>(__popc(lanes));
      __syncthreads();
      int before = 0, all = 0;
      for (int warp = 0; warp < ANY_THREADS / 32; warp++) {
        if (warp < warp_index()) before += static_cast<int>(counts[warp]);
        all += static_cast<int>(counts[warp]);
      }
      kept = kept || (tied && before + lanes_before(lanes) < left);
      left = max(left - all, 0);
    }
    if (i < width) write(i, kept);
  }
}

/** The same inside blocks of at most 32 entries, as many as fit in a warp at once. */
template <class T, class Values, class Write>
DEVICE void write_short_blocks(int width, int length, int keep, Values values, Write write) {
  const int in_warp = 32 / length, lane = lane_index(), own = lane / length * length;
  const int step = ANY_THREADS / 32 * in_warp * length;
  for (int first = warp_index() * in_warp * length; first < width; first += step) {
    const int i = first + lane;
    const bool here = lane < in_warp * length && i < width;
    const int key = here ? key_of<T>(values(i)) : -1;
    int ahead = 0;
    for (int other = 0; other < length; other++) {
      const int theirs = __shfl_sync(FULL_WARP, key, own + other);
      if (theirs > key || (theirs == key && own + other < lane)) ahead++;
    }
    if (here) write(i, ahead < keep);
  }
}

/** The same inside longer blocks, one a warp. */
template <class T, class Values, class Write>
DEVICE void write_long_blocks(int width, int length, int keep, Values values, Write write) {
  Hint hint;
  for (int first = warp_index() * length; first < width; first += ANY_THREADS / 32 * length) {
    u32 largest = 0;
    for (int i = lane_index(); i < length; i += 32) largest = max(largest, static_cast<u32>(key_of<T>(values(first + i))));
    largest = warp_largest(largest);
    Cut cut{0, 0};
    if (keep < length) {
      cut = find_cut<T, false>(length, keep, static_cast<int>(largest), true, hint, [&](int pivot) {
        u32 count = 0;
        for (int i = lane_index(); i < length; i += 32) count += key_of<T>(values(first + i)) >= pivot ? 1 : 0;
        return static_cast<int>(warp_count(count));
      });
    }
    int left = cut.ties;
    for (int tile = 0; tile < length; tile += 32) {
      const int i = tile + lane_index(), key = i < length ? key_of<T>(values(first + i)) : -1;
      const bool tied = key >= 0 && key == cut.above - 1;
      const u32 lanes = __ballot_sync(FULL_WARP, tied);
      if (i < length) write(first + i, key >= cut.above || (tied && lanes_before(lanes) < left));
      left = max(left - __popc(lanes), 0);
    }
  }
}

/** All but the norm, for a row whose entries values(i) gives. `block`: 0 for the whole row. */
template <class T, class Values>
DEVICE void sparsify_any_row(const Site& site, int block, T* y, Hint& hint, Values values, u32* scratch) {
  const int width = site.width;
  const auto across = [&](u32 x, auto combine) {
    __syncthreads();
    if (lane_index() == 0) scratch[warp_index()] = x;
    __syncthreads();
    u32 all = 0;
    for (int warp = 0; warp < ANY_THREADS / 32; warp++) all = combine(all, scratch[warp]);
    return all;
  };
  u32 key = 0;
  for (int i = threadIdx.x; i < width; i += ANY_THREADS) key = max(key, static_cast<u32>(key_of<T>(values(i))));
  const int largest = static_cast<int>(across(warp_largest(key), [](u32 a, u32 b) { return max(a, b); }));
  if (largest >= NOT_FINITE<T>) {
    for (int i = threadIdx.x; i < width; i += ANY_THREADS) y[i] = from_float<T>(__uint_as_float(0x7fc00000u));
    return;
  }
  const Levels<T> levels(__uint_as_float(static_cast<u32>(largest) << (sizeof(T) == 2 ? 16 : 0)));
  const auto write = [&](int i, bool kept) {
    float h = kept ? to_float(values(i)) : 0.0f;
    if (site.output == LEVELS) h = levels.of(h);
    if (site.output == MASK) h = kept ? 1.0f : 0.0f;
    y[i] = from_float<T>(h);
  };
  const int length = block > 0 ? block : width;
  if (site.keep == length) {
    for (int i = threadIdx.x; i < width; i += ANY_THREADS) write(i, true);
  } else if (length == width) {
    const Cut cut = find_cut<T, false>(width, site.keep, largest, true, hint, [&](int pivot) {
      u32 count = 0;
      for (int i = threadIdx.x; i < width; i += ANY_THREADS) count += key_of<T>(values(i)) >= pivot ? 1 : 0;
      return static_cast<int>(across(warp_count(count), [](u32 a, u32 b) { return a + b; }));
    });
    write_cut<T>(width, cut, values, write, scratch);
  } else if (length <= 32) {
    write_short_blocks<T>(width, length, site.keep, values, write);
  } else {
    write_long_blocks<T>(width, length, site.keep, values, write);
  }
}

/** `shared`: room for a row, or 0. y may be x. */
template <class T>
DEVICE void sparsify_any_rows(const Site& site, int block, const T* x, T* shared) {
  __shared__ u32 scratch[32];
  Hint hint;
  for (int row = blockIdx.x; row < site.rows; row += gridDim.x) {
    const long long first = static_cast<long long>(row) * site.width;
    const T* from = x + first;
    T* y = static_cast<T*>(site.y) + first;
    float inverse = 1;
    if (site.inverse_rms) {
      inverse = inverse_rms_of_any(from, site.width, site.epsilon, reinterpret_cast<float*>(scratch));
      if (threadIdx.x == 0) site.inverse_rms[row] = inverse;
    }
    const auto computed = [&](int i) { return site.inverse_rms ? normed(from[i], inverse, site.weight, i) : from[i]; };
    if (shared) {
      __syncthreads();
      for (int i = threadIdx.x; i < site.width; i += ANY_THREADS) shared[i] = computed(i);
      __syncthreads();
      sparsify_any_row<T>(site, block, y, hint, [&](int i) { return shared[i]; }, scratch);
    } else {
      sparsify_any_row<T>(site, block, y, hint, computed, scratch);
    }
  }
}
