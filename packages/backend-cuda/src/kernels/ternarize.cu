/**
 * ternarize: for each section of w, alpha = mean|w|, at least 1e-5, and y = alpha * round(w / alpha) within one level. With
 * a NaN or an infinity in a section, its y and alpha are NaN. Two launches: ternarize_sums_* sums magnitudes, a block a
 * part of a section, in an order that depends on the sizes alone; ternarize_* adds the parts and rounds. Up to 16 sections
 * at once, grid y; one that starts at row `end` of the one before.
 */
#include "double-sum.cuh"
#include "elementwise.cuh"

struct TernarizeArguments {
  const void *w;
  void *y;
  float *alpha;
  double *partial;
  long long columns;
  int parts;
  int start;
  int end_0;
  int end_1;
  int end_2;
  int end_3;
  int end_4;
  int end_5;
  int end_6;
  int end_7;
  int end_8;
  int end_9;
  int end_10;
  int end_11;
  int end_12;
  int end_13;
  int end_14;
  int end_15;
};

/** Magnitudes are summed as multiples of this, so that no sum of finite ones overflows. */
constexpr float SHARE = 5.9604644775390625e-8f;  // 2^-24

struct Section {
  long long first, count;
};

/** The section of this block, in elements. */
DEVICE Section section_of(const TernarizeArguments& a) {
  const int ends[16] = {a.end_0, a.end_1, a.end_2,  a.end_3,  a.end_4,  a.end_5,  a.end_6,  a.end_7,
                        a.end_8, a.end_9, a.end_10, a.end_11, a.end_12, a.end_13, a.end_14, a.end_15};
  const int section = static_cast<int>(blockIdx.y);
  int from = a.start, to = a.end_0;
#pragma unroll
  for (int i = 1; i < 16; i++)
    if (i <= section) {
      from = to;
      to = ends[i];
    }
  return {from * a.columns, (to - from) * a.columns};
}

template <class T>
DEVICE void sum_magnitudes(const TernarizeArguments& a) {
  constexpr int N = WIDE<T>;
  __shared__ double scratch[256];
  const Section section = section_of(a);
  // Parts of whole vectors for every thread.
  const long long unit = 256 * N, size = (section.count + a.parts * unit - 1) / (a.parts * unit) * unit;
  const long long begin = blockIdx.x * size, end = min(begin + size, section.count);
  const T* w = static_cast<const T*>(a.w) + section.first;
  const bool aligned = is_aligned<N>(w);
  float sums[N] = {};
  const auto add = [&](const Vector<T, N>& vector) {
#pragma unroll
    for (int j = 0; j < N; j++) sums[j] = fmaf(fabsf(to_float(vector.at[j])), SHARE, sums[j]);
  };
  long long i = begin + static_cast<long long>(threadIdx.x) * N;
  if (aligned) {
    for (; i + 3 * unit + N <= end; i += 4 * unit) {
      Vector<T, N> vectors[4];
#pragma unroll
      for (int u = 0; u < 4; u++) vectors[u] = load_vector<N>(w + i + u * unit);
#pragma unroll
      for (int u = 0; u < 4; u++) add(vectors[u]);
    }
    for (; i + N <= end; i += unit) add(load_vector<N>(w + i));
  }
  for (; i < end; i += unit)
    for (int j = 0; j < N && i + j < end; j++) sums[0] = fmaf(fabsf(to_float(w[i + j])), SHARE, sums[0]);
  double sum = 0;
#pragma unroll
  for (int j = 0; j < N; j++) sum += sums[j];
  sum = block_sum<256>(sum, scratch);
  if (threadIdx.x == 0) a.partial[static_cast<long long>(blockIdx.y) * a.parts + blockIdx.x] = sum;
}

/** The largest float that is at most x > 0. */
DEVICE float rounded_down(double x) {
  const float near = static_cast<float>(x);
  return near > x ? __uint_as_float(__float_as_uint(near) - 1) : near;
}

template <class T, class To>
DEVICE void ternarize(const TernarizeArguments& a) {
  __shared__ double scratch[256];
  const double* partial = a.partial + static_cast<long long>(blockIdx.y) * a.parts;
  double sum = 0;
  for (int part = threadIdx.x; part < a.parts; part += 256) sum += partial[part];
  sum = block_sum<256>(sum, scratch) * (1 / static_cast<double>(SHARE));
  const Section section = section_of(a);
  const double mean = sum / static_cast<double>(section.count), exact = mean < 1e-5 ? 1e-5 : mean;
  const bool finite = sum - sum == 0;
  const float alpha = finite ? static_cast<float>(exact) : __uint_as_float(0x7fc00000u);
  if (blockIdx.x == 0 && threadIdx.x == 0) a.alpha[blockIdx.y] = alpha;
  // Half of alpha goes to 0 (half to even). Rounded down, the comparison is exact.
  const float half = finite ? rounded_down(exact / 2) : 0.0f;
  const To level = from_float<To>(alpha), minus = from_float<To>(-alpha), zero = from_float<To>(finite ? 0.0f : alpha);
  map(static_cast<const T*>(a.w) + section.first, static_cast<To*>(a.y) + section.first, section.count, [&](T from) {
    const float x = to_float(from);
    return fabsf(x) > half ? (x < 0 ? minus : level) : zero;
  });
}

KERNEL(ternarize_sums_f32, 256, TernarizeArguments) { sum_magnitudes<float>(a); }
KERNEL(ternarize_sums_bf16, 256, TernarizeArguments) { sum_magnitudes<bf16>(a); }
KERNEL(ternarize_f32_to_f32, 256, TernarizeArguments) { ternarize<float, float>(a); }
KERNEL(ternarize_f32_to_bf16, 256, TernarizeArguments) { ternarize<float, bf16>(a); }
KERNEL(ternarize_bf16_to_bf16, 256, TernarizeArguments) { ternarize<bf16, bf16>(a); }
