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

/** Where the first query is. Far outside of the cache is as good as just outside, and keeps sums of positions small. */
DEVICE int first_position(const int* position, int queries, int keys, int window) {
  if (position == nullptr) return keys - queries;
  const int end = window == NO_WINDOW ? keys : keys + window;
  return min(max(*position, -queries), end);
}

/** The keys that any of the queries at positions [first, last] sees. */
DEVICE Span seen_keys(int first, int last, int keys, int window) {
  return Span{max(first - window + 1, 0), min(last + 1, keys)};
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
