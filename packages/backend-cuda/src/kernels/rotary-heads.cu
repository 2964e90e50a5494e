/**
 * rotary-heads: a projection [rows, (H + 2G) · D] taken apart; queries and keys turned, values copied. rotary-heads-append:
 * keys and values go into a cache, as kv-append puts them there.
 */
#include "rotary-heads.cuh"

/** `rows`: tokens of all sequences, `tokens`: of one; `position`: of token 0, for all sequences or
 * with `position_step` for each, or 0 for 0. `place`: like it, of key and value in caches of `room` tokens; 0: they are
 * tensors of their own. `wide`: 16-byte accesses. */
struct RotaryHeadsArguments {
  const void *x;
  const float *table;
  const int *position;
  const int *place;
  void *query;
  void *key;
  void *value;
  long long rows;
  int tokens;
  int heads;
  int groups;
  int size;
  int length;
  int position_step;
  int place_step;
  int room;
  int wide;
};

template <class T, int N>
DEVICE void rotary_heads(const RotaryHeadsArguments& a) {
  const HeadsShape shape{a.rows, a.tokens, a.heads, a.groups, a.size};
  const long long count = head_places<N>(shape), shared = a.position ? *a.position : 0;
  const bool small = count <= 0xffffffffLL;
  each_index(count, [&](long long i) {
    HeadPlace place = head_place<N>(shape, i, small);
    const T* from = static_cast<const T*>(a.x) + place.joint;
    Pairs<T, N> pairs = load_pairs<false, N>(from, a.size / 2, place.pair);
    const long long start = a.position_step ? a.position[place.batch] : shared;
    if (place.part < 2)
      pairs = turn(pairs, load_turns<N>(a.table, start + place.token, a.length, a.size / 2, place.pair), 1);
    if (a.place && place.part > 0) {
      const long long at = a.place[a.place_step ? place.batch : 0] + place.token;
      if (at < 0 || at >= a.room) return;
      const long long row = place.batch * a.tokens + place.token;
      place.apart += (place.batch * a.room + at - row) * a.groups * a.size;
    }
    T* to = static_cast<T*>(place.part == 0 ? a.query : place.part == 1 ? a.key : a.value);
    store_pairs<false>(to + place.apart, a.size / 2, place.pair, pairs);
  });
}

template <class T>
DEVICE void rotary_heads(const RotaryHeadsArguments& a) {
  if (a.wide) rotary_heads<T, WIDE<T>>(a);
  else rotary_heads<T, 1>(a);
}

KERNEL(rotary_heads_f32, 256, RotaryHeadsArguments) { rotary_heads<float>(a); }
KERNEL(rotary_heads_bf16, 256, RotaryHeadsArguments) { rotary_heads<bf16>(a); }
