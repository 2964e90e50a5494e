/** softmax-backward: dx = y · (dy - sum(y · dy)) over the last dimension of [rows, width]. */
#include "rows.cuh"

struct SoftmaxBackwardArguments {
  const void *y;
  const void *dy;
  void *dx;
  int rows;
  int width;
};

template <class T, int GROUP>
DEVICE void softmax_backward(const SoftmaxBackwardArguments& a) {
  __shared__ float scratch[32];
  const long long row = row_of_group<GROUP>();
  if (row >= a.rows) return;
  const int place = place_in_group<GROUP>();
  const T *y = static_cast<const T*>(a.y) + row * a.width, *dy = static_cast<const T*>(a.dy) + row * a.width;
  T* dx = static_cast<T*>(a.dx) + row * a.width;
  float dot = 0;
  for (int i = place; i < a.width; i += GROUP) dot = fmaf(to_float(y[i]), to_float(dy[i]), dot);
  dot = block_sum<GROUP>(dot, scratch);
  for (int i = place; i < a.width; i += GROUP) dx[i] = from_float<T>(to_float(y[i]) * (to_float(dy[i]) - dot));
}

KERNEL(softmax_backward_warp_f32, 256, SoftmaxBackwardArguments) { softmax_backward<float, 32>(a); }
KERNEL(softmax_backward_warp_bf16, 256, SoftmaxBackwardArguments) { softmax_backward<bf16, 32>(a); }
KERNEL(softmax_backward_block_f32, 256, SoftmaxBackwardArguments) { softmax_backward<float, 256>(a); }
KERNEL(softmax_backward_block_bf16, 256, SoftmaxBackwardArguments) { softmax_backward<bf16, 256>(a); }
