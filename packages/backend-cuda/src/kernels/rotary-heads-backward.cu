/** rotary-heads-backward: gradients of queries and keys turned back, of values copied, side by side again. */
#include "rotary-heads.cuh"

/** As in rotary-heads.cu. */
struct RotaryHeadsBackwardArguments {
  const void *d_query;
  const void *d_key;
  const void *d_value;
  const float *table;
  const int *position;
  void *dx;
  long long rows;
  int tokens;
  int heads;
  int groups;
  int size;
  int length;
  int position_step;
  int wide;
};

template <class T, int N>
DEVICE void rotary_heads_backward(const RotaryHeadsBackwardArguments& a) {
  const HeadsShape shape{a.rows, a.tokens, a.heads, a.groups, a.size};
  const long long count = head_places<N>(shape), shared = a.position ? *a.position : 0;
  const bool small = count <= 0xffffffffLL;
  each_index(count, [&](long long i) {
    const HeadPlace place = head_place<N>(shape, i, small);
    const T* from = static_cast<const T*>(place.part == 0 ? a.d_query : place.part == 1 ? a.d_key : a.d_value);
    Pairs<T, N> pairs = load_pairs<false, N>(from + place.apart, a.size / 2, place.pair);
    const long long start = a.position_step ? a.position[place.batch] : shared;
    if (place.part < 2)
      pairs = turn(pairs, load_turns<N>(a.table, start + place.token, a.length, a.size / 2, place.pair), -1);
    store_pairs<false>(static_cast<T*>(a.dx) + place.joint, a.size / 2, place.pair, pairs);
  });
}

template <class T>
DEVICE void rotary_heads_backward(const RotaryHeadsBackwardArguments& a) {
  if (a.wide) rotary_heads_backward<T, WIDE<T>>(a);
  else rotary_heads_backward<T, 1>(a);
}

KERNEL(rotary_heads_backward_f32, 256, RotaryHeadsBackwardArguments) { rotary_heads_backward<float>(a); }
KERNEL(rotary_heads_backward_bf16, 256, RotaryHeadsBackwardArguments) { rotary_heads_backward<bf16>(a); }
