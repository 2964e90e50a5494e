/**
 * random: numbers of a Philox stream times a factor. Uniform: 24 bits of word i % 4 of block i / 4, in [0, 1). Normal:
 * 2 · the sum of the eight 16-bit halves of block i, less 8 · 65535. Whole numbers but for the last product.
 */
#include "elementwise.cuh"
#include "philox.cuh"

struct RandomArguments {
  float *into;
  const int *state;
  long long count;
  float factor;
};

/** N numbers from a block of Philox, which `numbers_of` gives. */
template <int N, class NumbersOf>
DEVICE void fill_blocks(const RandomArguments& a, NumbersOf numbers_of) {
  const bool aligned = is_aligned<4>(a.into);
  // A thread makes four numbers.
  each_index((a.count + 3) / 4, [&](long long i) {
    Vector<float, 4> numbers;
#pragma unroll
    for (int block = 0; block < 4 / N; block++) {
      const Vector<float, N> some = numbers_of(philox(a.state, static_cast<u32>(i * (4 / N) + block)));
#pragma unroll
      for (int j = 0; j < N; j++) numbers.at[block * N + j] = some.at[j] * a.factor;
    }
    float* into = a.into + i * 4;
    if (aligned && i * 4 + 4 <= a.count) return store_vector(into, numbers);
#pragma unroll
    for (int j = 0; j < 4; j++)
      if (i * 4 + j < a.count) into[j] = numbers.at[j];
  });
}

KERNEL(random_uniform_f32, 256, RandomArguments) {
  fill_blocks<4>(a, [](const PhiloxWords& words) {
    Vector<float, 4> numbers;
#pragma unroll
    for (int j = 0; j < 4; j++) numbers.at[j] = static_cast<float>(words.at[j] >> 8) * 0x1p-24f;
    return numbers;
  });
}

KERNEL(random_normal_f32, 256, RandomArguments) {
  fill_blocks<1>(a, [](const PhiloxWords& words) {
    int sum = 0;
#pragma unroll
    for (int j = 0; j < 4; j++) sum += static_cast<int>((words.at[j] & 0xffff) + (words.at[j] >> 16));
    return Vector<float, 1>{{static_cast<float>(2 * sum - 8 * 65535)}};
  });
}
