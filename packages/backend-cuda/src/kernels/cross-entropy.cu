/**
 * cross-entropy: the log-sum-exp of each row of logits in one pass, then the mean of logSumExp - logit[target] over
 * targets of at least 0, and how many those are. A target beyond the row makes the loss NaN; none at all makes it 0.
 */
#include "double-sum.cuh"
#include "exponentials.cuh"

/** `row_losses` has a number for every row; those of ignored targets are not read. */
struct CrossEntropyArguments {
  const void *logits;
  const int *targets;
  float *log_sum_exp;
  float *row_losses;
  int rows;
  int width;
};

template <class T, int GROUP>
DEVICE void cross_entropy(const CrossEntropyArguments& a) {
  constexpr int N = WIDE<T>, UNROLL = 4;
  __shared__ float scratch[32];
  const long long row = row_of_group<GROUP>();
  if (row >= a.rows) return;
  const int place = place_in_group<GROUP>();
  const T* x = static_cast<const T*>(a.logits) + row * a.width;
  const int head = head_of(x, a.width), vectors = (a.width - head) / N, tail = head + vectors * N;
  Exponentials all;
  for (int first = place; first < vectors; first += UNROLL * GROUP) {
    Vector<T, N> loaded[UNROLL];
#pragma unroll
    for (int u = 0; u < UNROLL; u++)
      if (first + u * GROUP < vectors) loaded[u] = load_vector<N>(x + head + (first + u * GROUP) * N);
#pragma unroll
    for (int u = 0; u < UNROLL; u++) {
      if (first + u * GROUP >= vectors) break;
      float numbers[N];
#pragma unroll
      for (int j = 0; j < N; j++) numbers[j] = to_float(loaded[u].at[j]);
      all.add(numbers);
    }
  }
  if (place < head) all.add(to_float(x[place]));
  if (place < a.width - tail) all.add(to_float(x[tail + place]));
  all = all.finish<GROUP>(scratch);
  if (place > 0) return;
  const float log_sum = logf(all.sum);
  a.log_sum_exp[row] = all.largest + log_sum;
  const int target = a.targets[row];
  if (target < 0) return;
  // The large parts first: they cancel without a rounding in between.
  a.row_losses[row] = target < a.width ? (all.largest - to_float(x[target])) + log_sum : __uint_as_float(0x7fffffffu);
}

KERNEL(cross_entropy_warp_f32, 256, CrossEntropyArguments) { cross_entropy<float, 32>(a); }
KERNEL(cross_entropy_warp_bf16, 256, CrossEntropyArguments) { cross_entropy<bf16, 32>(a); }
KERNEL(cross_entropy_block_f32, 256, CrossEntropyArguments) { cross_entropy<float, 256>(a); }
KERNEL(cross_entropy_block_bf16, 256, CrossEntropyArguments) { cross_entropy<bf16, 256>(a); }

struct CrossEntropyMeanArguments {
  const float *row_losses;
  const int *targets;
  float *loss;
  float *count;
  int rows;
};

/** One block. */
KERNEL(cross_entropy_mean, 1024, CrossEntropyMeanArguments) {
  __shared__ double scratch[1024];
  double total = 0, count = 0;
#pragma unroll 4
  for (int row = threadIdx.x; row < a.rows; row += 1024) {
    const bool counts = a.targets[row] >= 0;
    total += counts ? a.row_losses[row] : 0.0f;
    count += counts ? 1 : 0;
  }
  total = block_sum<1024>(total, scratch);
  count = block_sum<1024>(count, scratch);
  if (threadIdx.x > 0) return;
  *a.count = static_cast<float>(count);
  *a.loss = count == 0 ? 0 : static_cast<float>(total / count);
}
