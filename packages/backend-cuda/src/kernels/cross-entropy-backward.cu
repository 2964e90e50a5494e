/**
 * cross-entropy-backward: dLogits = d · (e^(logits - logSumExp) - onehot(target)) / count, zeros for an ignored
 * target, NaN for one beyond the row. dLogits may be the logits themselves: every element is read and written by one
 * thread.
 */
#include "exponentials.cuh"

struct CrossEntropyBackwardArguments {
  const float *d;
  const void *logits;
  const int *targets;
  const float *log_sum_exp;
  const float *count;
  void *d_logits;
  int rows;
  int width;
};

/** What a row's elements have in common. */
struct RowGradient {
  float factor;
  float log_sum_exp;
  int target;
  bool ignored;

  template <class T>
  DEVICE T of(T x, int column) const {
    if (ignored) return from_float<T>(0);
    return from_float<T>(factor * (exp_below(to_float(x), log_sum_exp) - (column == target ? 1.0f : 0.0f)));
  }
};

template <class T, int GROUP>
DEVICE void cross_entropy_backward(const CrossEntropyBackwardArguments& a) {
  constexpr int N = WIDE<T>, UNROLL = 4;
  const long long row = row_of_group<GROUP>();
  if (row >= a.rows) return;
  const int place = place_in_group<GROUP>();
  const T* x = static_cast<const T*>(a.logits) + row * a.width;
  T* dx = static_cast<T*>(a.d_logits) + row * a.width;
  const int target = a.targets[row];
  const float factor = target < a.width ? *a.d / *a.count : __uint_as_float(0x7fffffffu);
  const RowGradient gradient{factor, a.log_sum_exp[row], target, target < 0};
  // Vectors where both rows are equally far from a multiple of 16 bytes.
  const int head = head_of(x, a.width);
  const int vectors = head == head_of(dx, a.width) ? (a.width - head) / N : 0, tail = head + vectors * N;
  for (int first = place; first < vectors; first += UNROLL * GROUP) {
    Vector<T, N> loaded[UNROLL];
#pragma unroll
    for (int u = 0; u < UNROLL; u++)
      if (first + u * GROUP < vectors) loaded[u] = load_vector<N>(x + head + (first + u * GROUP) * N);
#pragma unroll
    for (int u = 0; u < UNROLL; u++) {
      const int column = head + (first + u * GROUP) * N;
      if (column >= tail) break;
      Vector<T, N> result;
#pragma unroll
      for (int j = 0; j < N; j++) result.at[j] = gradient.of(loaded[u].at[j], column + j);
      store_vector(dx + column, result);
    }
  }
  if (place < head) dx[place] = gradient.of(x[place], place);
  for (int i = tail + place; i < a.width; i += GROUP) dx[i] = gradient.of(x[i], i);
}

KERNEL(cross_entropy_backward_warp_f32, 256, CrossEntropyBackwardArguments) { cross_entropy_backward<float, 32>(a); }
KERNEL(cross_entropy_backward_warp_bf16, 256, CrossEntropyBackwardArguments) { cross_entropy_backward<bf16, 32>(a); }
KERNEL(cross_entropy_backward_block_f32, 256, CrossEntropyBackwardArguments) { cross_entropy_backward<float, 256>(a); }
KERNEL(cross_entropy_backward_block_bf16, 256, CrossEntropyBackwardArguments) { cross_entropy_backward<bf16, 256>(a); }
