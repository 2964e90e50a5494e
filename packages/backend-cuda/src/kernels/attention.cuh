/** What all attention kernels share: which keys a query sees, and the order in which blocks take up their work. */
#pragma once
#include "device.cuh"

/** A window that hides nothing. */
constexpr int NO_WINDOW = 1 << 30;

/** Not a constant expression of the standard library, which NVRTC does not have. */
#define INFINITE __uint_as_float(0x7f800000u)
constexpr float LOG2_E = 1.4426950408889634f;

/** [begin, end); nothing when end <= begin. */
struct Span {
  int begin;
  int end;
};

/**
 * Where the first query is: at position[at]. Far outside of the cache is as good as just outside, and keeps sums of
 * positions small.
 */
DEVICE int first_position(const int* position, int at, int queries, int keys, int window) {
  if (position == nullptr) return keys - queries;
  const int end = window == NO_WINDOW ? keys : keys + window;
  return min(max(position[at], -queries), end);
}

/** The keys that any of the queries at positions [first, last] sees, none of them before `lowest`. */
DEVICE Span seen_keys(int first, int last, int keys, int window, int lowest = 0) {
  return Span{max(max(first - window + 1, 0), lowest), min(last + 1, keys)};
}

/** Where row r of a batch and group lies among all: query r / per_group of the group's head r % per_group. */
DEVICE long long grouped_row(int batch, int queries, int heads, int groups, int group, int r) {
  const int per_group = heads / groups;
  return (static_cast<long long>(batch) * queries + r / per_group) * heads + group * per_group + r % per_group;
}

/** Of the weights of a row over some of its keys, relative to exp(largest). */
struct RunningSum {
  float largest;
  float sum;
};

/** The first keys of the queries of a row of the batch, from query `query` on; null without any. */
DEVICE const int* first_keys_at(const int* first, int batch, int queries, int query) {
  return first == nullptr ? nullptr : first + static_cast<long long>(batch) * queries + query;
}

/** That of one query; 0 without any. */
DEVICE int first_key_of(const int* first, int query) { return first == nullptr ? 0 : first[query]; }

/** Bounds of the first keys of some queries. */
struct FirstKeys {
  int lowest;
  int highest;
};

/** Those of `count` queries; nothing is seen where there are none. All lanes of a warp must call. */
DEVICE FirstKeys bounds_of(const int* first, int count) {
  if (first == nullptr) return FirstKeys{0, 0};
  FirstKeys bounds{0x7fffffff, 0};
  for (int t = lane_index(); t < count; t += 32) {
    bounds.lowest = min(bounds.lowest, first[t]);
    bounds.highest = max(bounds.highest, first[t]);
  }
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) {
    bounds.lowest = min(bounds.lowest, __shfl_xor_sync(FULL_WARP, bounds.lowest, step));
    bounds.highest = max(bounds.highest, __shfl_xor_sync(FULL_WARP, bounds.highest, step));
  }
  bounds.lowest = max(bounds.lowest, 0);
  return bounds;
}

/** Whether each of the queries at [first, last] sees each of the keys [begin, end). */
DEVICE bool sees_all(int first, int last, int window, int begin, int end) {
  return end <= first + 1 && begin > last - window;
}

/** A batch and head, and a block of its rows. */
struct Work {
  int pair;
  int block;
};

/**
 * The index-th work of `pairs` times `blocks`: some pairs `together`, so that what their blocks read stays in the L2
 * cache; of these, blocks of a number before those of the next one.
 */
DEVICE Work ordered_work(int index, int pairs, int blocks, int together) {
  const int first = index / (together * blocks) * together;
  const int within = index - first * blocks;
  const int here = min(together, pairs - first);
  return Work{first + within % here, within / here};
}
