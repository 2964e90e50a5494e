/**
 * rms_norm_backward: norm-backward.cuh with x as it is. Where x is not whole vectors or too long for registers:
 * rms_norm_backward_dots_* takes the mean of a row, then rms_norm_backward_any_* goes through columns. dx may be x. Added
 * to where add_to_x is set; dx of bf16 rows may be float32.
 */
#include "device.cuh"

struct RmsNormBackwardArguments {
  const void *dy;
  const void *x;
  const void *weight;
  const float *inverse_rms;
  void *dx;
  float *partial;
  float *bends;
  int rows;
  int width;
  int chunks;
  int weight_is_bf16;
  int dx_is_f32;
  int add_to_x;
};

struct NormWeightArguments {
  const float *partial;
  void *d_weight;
  int parts;
  int width;
  int add;
};

#include "norm-backward.cuh"

/** N neighbours of dx: values, or added to what is there. */
template <class To, int N>
DEVICE void write_gradient(To* to, const float (&dx)[N], bool add) {
  constexpr int PIECE = N < WIDE<To> ? N : WIDE<To>;
#pragma unroll
  for (int first = 0; first < N; first += PIECE) {
    Vector<To, PIECE> vector;
    if (add) vector = load_vector<PIECE>(to + first);
#pragma unroll
    for (int j = 0; j < PIECE; j++)
      vector.at[j] = from_float<To>(add ? to_float(vector.at[j]) + dx[first + j] : dx[first + j]);
    store_vector(to + first, vector);
  }
}

template <class T, int LANES, int WARPS>
DEVICE void rms_norm_backward(const RmsNormBackwardArguments& a) {
  using Here = Team<T, LANES, WARPS>;
  const NormGradient n{a.dy, {a.weight, a.weight_is_bf16 != 0}, a.inverse_rms, a.partial, a.rows, a.width};
  norm_backward_rows<Here>(
      n,
      [&](u32(&x)[FEW][WORDS], int row, const Place& place) {
        const T* from = static_cast<const T*>(a.x) + static_cast<long long>(row) * a.width;
#pragma unroll
        for (int v = 0; v < FEW; v++) load_words<Here>(x[v], from, place, v);
      },
      [&](const float(&dx)[Here::N], int row, const Place& place, int v) {
        if (!holds<Here>(place, v)) return;
        const long long at = static_cast<long long>(row) * a.width + place.first + v * (LANES * Here::N);
        if (a.dx_is_f32) write_gradient(static_cast<float*>(a.dx) + at, dx, a.add_to_x != 0);
        else write_gradient(static_cast<T*>(a.dx) + at, dx, a.add_to_x != 0);
      });
}

DEVICE float weight_at(const RmsNormBackwardArguments& a, int i) {
  if (!a.weight) return 1;
  return a.weight_is_bf16 ? to_float(static_cast<const bf16*>(a.weight)[i]) : static_cast<const float*>(a.weight)[i];
}

/** bends[row] = inverse * mean of g * h, a block a row. */
template <class T>
DEVICE void dots(const RmsNormBackwardArguments& a) {
  __shared__ float scratch[32];
  for (int row = blockIdx.x; row < a.rows; row += gridDim.x) {
    const long long first = static_cast<long long>(row) * a.width;
    const T *dy = static_cast<const T*>(a.dy) + first, *x = static_cast<const T*>(a.x) + first;
    float sums[4] = {};
    for (int i = threadIdx.x; i < a.width; i += 4 * 256) {
#pragma unroll
      for (int part = 0; part < 4; part++) {
        const int at = i + part * 256;
        if (at < a.width) sums[part] = fmaf(to_float(dy[at]) * weight_at(a, at), to_float(x[at]), sums[part]);
      }
    }
    const float dot = block_sum<256>((sums[0] + sums[1]) + (sums[2] + sums[3]), scratch);
    const float inverse = a.inverse_rms[row];
    if (threadIdx.x == 0) a.bends[row] = inverse * (dot * inverse / a.width);
  }
}

/** The rest, a thread a column of one of `chunks` parts of the rows (grid y). */
template <class T>
DEVICE void columns(const RmsNormBackwardArguments& a) {
  const int column = blockIdx.x * 256 + threadIdx.x;
  if (column >= a.width) return;
  const T *dy = static_cast<const T*>(a.dy), *x = static_cast<const T*>(a.x);
  const float weight = weight_at(a, column);
  const int size = (a.rows + a.chunks - 1) / a.chunks, begin = blockIdx.y * size, end = min(begin + size, a.rows);
  float sum = 0;
  for (int row = begin; row < end; row++) {
    const long long at = static_cast<long long>(row) * a.width + column;
    const float inverse = a.inverse_rms[row], of_x = to_float(x[at]), of_dy = to_float(dy[at]);
    const float dx[1] = {inverse * fmaf(-of_x, a.bends[row], of_dy * weight)};
    if (a.dx_is_f32) write_gradient(static_cast<float*>(a.dx) + at, dx, a.add_to_x != 0);
    else write_gradient(static_cast<T*>(a.dx) + at, dx, a.add_to_x != 0);
    sum = fmaf(of_dy * inverse, of_x, sum);
  }
  if (a.partial) a.partial[static_cast<long long>(blockIdx.y) * a.width + column] = sum;
}

KERNEL(rms_norm_backward_narrow_bf16, 256, RmsNormBackwardArguments) { rms_norm_backward<bf16, 16, 1>(a); }
KERNEL(rms_norm_backward_warp_bf16, 256, RmsNormBackwardArguments) { rms_norm_backward<bf16, 32, 1>(a); }
KERNEL(rms_norm_backward_warps_bf16, 128, RmsNormBackwardArguments) { rms_norm_backward<bf16, 32, 4>(a); }
KERNEL(rms_norm_backward_block_bf16, 256, RmsNormBackwardArguments) { rms_norm_backward<bf16, 32, 8>(a); }
KERNEL(rms_norm_backward_dots_bf16, 256, RmsNormBackwardArguments) { dots<bf16>(a); }
KERNEL(rms_norm_backward_any_bf16, 256, RmsNormBackwardArguments) { columns<bf16>(a); }
KERNEL(rms_norm_backward_narrow_f32, 256, RmsNormBackwardArguments) { rms_norm_backward<float, 16, 1>(a); }
KERNEL(rms_norm_backward_warp_f32, 256, RmsNormBackwardArguments) { rms_norm_backward<float, 32, 1>(a); }
KERNEL(rms_norm_backward_warps_f32, 128, RmsNormBackwardArguments) { rms_norm_backward<float, 32, 4>(a); }
KERNEL(rms_norm_backward_block_f32, 256, RmsNormBackwardArguments) { rms_norm_backward<float, 32, 8>(a); }
KERNEL(rms_norm_backward_dots_f32, 256, RmsNormBackwardArguments) { dots<float>(a); }
KERNEL(rms_norm_backward_any_f32, 256, RmsNormBackwardArguments) { columns<float>(a); }

KERNEL(norm_weight_gradient_f32, 256, NormWeightArguments) {
  norm_weight_gradient(a.partial, static_cast<float*>(a.d_weight), a.parts, a.width, a.add != 0);
}
KERNEL(norm_weight_gradient_bf16, 256, NormWeightArguments) {
  norm_weight_gradient(a.partial, static_cast<bf16*>(a.d_weight), a.parts, a.width, a.add != 0);
}
