/**
 * softmax: y = exp(x - max) / sum over the last dimension of [rows, width]. Causal: row i (of each `queries` rows) sees
 * columns j <= i + p, and j > i + p - window when there is a window, and j >= its first one; what it does not see is 0.
 */
#include "exponentials.cuh"

/** `position`: p of each `batch_rows` rows, or 0 for width - queries; `first`: [rows / batch_rows, queries], or 0. */
struct SoftmaxArguments {
  const void *x;
  const int *position;
  const int *first;
  void *y;
  int rows;
  int width;
  int causal;
  int window;
  int queries;
  int batch_rows;
  int position_step;
};

DEVICE long long within(long long x, long long least, long long most) { return max(least, min(x, most)); }

template <class T, int GROUP>
DEVICE void softmax(const SoftmaxArguments& a) {
  __shared__ float scratch[32];
  const long long row = row_of_group<GROUP>();
  if (row >= a.rows) return;
  const int place = place_in_group<GROUP>();
  const T* x = static_cast<const T*>(a.x) + row * a.width;
  T* y = static_cast<T*>(a.y) + row * a.width;
  int begin = 0, end = a.width;
  if (a.causal) {
    const long long batch = row / a.batch_rows, query = row % a.queries;
    const long long last = query + (a.position ? a.position[batch * a.position_step] : a.width - a.queries);
    end = static_cast<int>(within(last + 1, 0, a.width));
    if (a.window > 0) begin = static_cast<int>(within(last + 1 - a.window, 0, end));
    if (a.first) begin = static_cast<int>(within(a.first[batch * a.queries + query], begin, end));
  }
  Exponentials seen;
  for (int i = begin + place; i < end; i += GROUP) seen.add(to_float(x[i]));
  seen = seen.finish<GROUP>(scratch);
  for (int i = place; i < a.width; i += GROUP) {
    const bool visible = begin <= i && i < end;
    y[i] = from_float<T>(visible ? exp_below(to_float(x[i]), seen.largest) / seen.sum : 0.0f);
  }
}

KERNEL(softmax_warp_f32, 256, SoftmaxArguments) { softmax<float, 32>(a); }
KERNEL(softmax_warp_bf16, 256, SoftmaxArguments) { softmax<bf16, 32>(a); }
KERNEL(softmax_block_f32, 256, SoftmaxArguments) { softmax<float, 256>(a); }
KERNEL(softmax_block_bf16, 256, SoftmaxArguments) { softmax<bf16, 256>(a); }
