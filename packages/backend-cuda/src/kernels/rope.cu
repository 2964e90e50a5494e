/** rope: turns the pairs of every head, (i, i + size / 2) or neighbours, by the row of the table for its token. */
#include "elementwise.cuh"
#include "turn.cuh"

/**
 * x and y [.., tokens, heads, size], `rows` heads in all; `position`: of token 0, for all or for each `batch_tokens`
 * tokens, or 0 for 0. `wide`: 16-byte accesses.
 */
struct RopeArguments {
  const void *x;
  const float *table;
  const int *position;
  void *y;
  long long rows;
  int tokens;
  int heads;
  int size;
  int length;
  int batch_tokens;
  int position_step;
  int interleaved;
  int wide;
  float sign;
};

/** Every thread takes N pairs of a head at a time. */
template <class T, bool INTERLEAVED, int N>
DEVICE void rope(const RopeArguments& a) {
  const int half = a.size / 2, per_head = half / N;
  const long long count = a.rows * per_head, shared = a.position ? *a.position : 0;
  const bool small = count <= 0xffffffffLL;
  each_index(count, [&](long long i) {
    const long long row = quotient(i, per_head, small), token = quotient(row, a.heads, small);
    const long long start = a.position_step ? a.position[quotient(token, a.batch_tokens, small)] : shared;
    const long long position = start + token - quotient(token, a.tokens, small) * a.tokens;
    const int pair = static_cast<int>(i - row * per_head) * N;
    const Pairs<T, N> pairs = load_pairs<INTERLEAVED, N>(static_cast<const T*>(a.x) + row * a.size, half, pair);
    const Turns<N> turns = load_turns<N>(a.table, position, a.length, half, pair);
    store_pairs<INTERLEAVED>(static_cast<T*>(a.y) + row * a.size, half, pair, turn(pairs, turns, a.sign));
  });
}

template <class T>
DEVICE void rope(const RopeArguments& a) {
  constexpr int N = WIDE<T>;
  if (a.interleaved) {
    if (a.wide) rope<T, true, N / 2>(a);
    else rope<T, true, 1>(a);
  } else {
    if (a.wide) rope<T, false, N>(a);
    else rope<T, false, 1>(a);
  }
}

KERNEL(rope_f32, 256, RopeArguments) { rope<float>(a); }
KERNEL(rope_bf16, 256, RopeArguments) { rope<bf16>(a); }
