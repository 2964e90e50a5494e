/** Where the heads of rotary-heads.cu and rotary-heads-backward.cu lie. */
#pragma once
#include "elementwise.cuh"
#include "turn.cuh"

/** Tokens of query, key and value heads side by side, [rows, (heads + 2 groups) · size], and the three apart. */
struct HeadsShape {
  long long rows;
  int tokens;
  int heads;
  int groups;
  int size;
};

/** N pairs of a head. */
struct HeadPlace {
  /** The head's first entry, side by side and in its own tensor. */
  long long joint;
  long long apart;
  /** 0 query, 1 key, 2 value. */
  int part;
  int pair;
  /** Of the token's sequence, and of the token in it. */
  long long batch;
  long long token;
};

/** Place number i, pairs first, then heads, then tokens. `small`: all places are below 2^32. */
template <int N>
DEVICE HeadPlace head_place(const HeadsShape& s, long long i, bool small) {
  const int per_head = s.size / 2 / N, all = s.heads + 2 * s.groups;
  const long long joint_head = quotient(i, per_head, small), row = quotient(joint_head, all, small);
  const int head = static_cast<int>(joint_head - row * all);
  HeadPlace place;
  place.joint = joint_head * s.size;
  place.part = head < s.heads ? 0 : head < s.heads + s.groups ? 1 : 2;
  const int before = place.part == 0 ? 0 : s.heads + (place.part - 1) * s.groups;
  place.apart = (row * (place.part == 0 ? s.heads : s.groups) + head - before) * s.size;
  place.pair = static_cast<int>(i - joint_head * per_head) * N;
  place.batch = quotient(row, s.tokens, small);
  place.token = row - place.batch * s.tokens;
  return place;
}

template <int N>
DEVICE long long head_places(const HeadsShape& s) {
  return s.rows * (s.heads + 2 * s.groups) * (s.size / 2 / N);
}
