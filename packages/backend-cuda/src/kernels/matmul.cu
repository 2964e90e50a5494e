/**
 * Dense matrix product d = op(a) · op(b), or c + op(a) · op(b), for where cuBLASLt is absent or takes no such operands:
 * every transpose, size and alignment, sums in float32, always the same bits. A result too small to fill the chip is
 * split over k; the parts are added in order by matmul_sum_*.
 */
#include "device.cuh"

struct MatmulArguments {
  const void *a;
  const void *b;
  const void *c;
  void *d;
  float *partial;
  long long stride_a;
  long long stride_b;
  int m;
  int n;
  int k;
  int batch;
  int split;
  int transpose_a;
  int transpose_b;
  int wide_a;
  int wide_b;
  int wide_d;
  int result_is_bf16;
};

#include "matmul-few-rows.cuh"
#include "matmul-tensor-core.cuh"
#include "matmul-tile.cuh"

#if HAS_TENSOR_CORES
#define TENSOR_BODY(TRANSPOSE_A, TRANSPOSE_B) matmul_on_tensor_cores<TRANSPOSE_A, TRANSPOSE_B>(a)
#else
#define TENSOR_BODY(TRANSPOSE_A, TRANSPOSE_B)
#endif
KERNEL(matmul_nn_bf16, 128, MatmulArguments) { TENSOR_BODY(false, false); }
KERNEL(matmul_nt_bf16, 128, MatmulArguments) { TENSOR_BODY(false, true); }
KERNEL(matmul_tn_bf16, 128, MatmulArguments) { TENSOR_BODY(true, false); }
KERNEL(matmul_tt_bf16, 128, MatmulArguments) { TENSOR_BODY(true, true); }

KERNEL(matmul_plain_f32, 256, MatmulArguments) { matmul_plain<float>(a); }
KERNEL(matmul_plain_bf16, 256, MatmulArguments) { matmul_plain<bf16>(a); }

KERNEL(matmul_one_row_along_k_f32, 256, MatmulArguments) { few_rows_along_k<float, 1>(a); }
KERNEL(matmul_one_row_along_k_bf16, 256, MatmulArguments) { few_rows_along_k<bf16, 1>(a); }
KERNEL(matmul_few_rows_along_k_f32, 256, MatmulArguments) { few_rows_along_k<float, 8>(a); }
KERNEL(matmul_few_rows_along_k_bf16, 256, MatmulArguments) { few_rows_along_k<bf16, 8>(a); }
KERNEL(matmul_one_row_along_n_f32, 128, MatmulArguments) { few_rows_along_n<float, 1>(a); }
KERNEL(matmul_one_row_along_n_bf16, 128, MatmulArguments) { few_rows_along_n<bf16, 1>(a); }
KERNEL(matmul_few_rows_along_n_f32, 128, MatmulArguments) { few_rows_along_n<float, 8>(a); }
KERNEL(matmul_few_rows_along_n_bf16, 128, MatmulArguments) { few_rows_along_n<bf16, 8>(a); }

struct MatmulSumArguments {
  const float *partial;
  const void *c;
  void *d;
  long long size;
  int parts;
  int wide;
};

/** d = c + the parts of a split product, part by part. */
template <class R>
DEVICE void sum_parts(const MatmulSumArguments& a) {
  const long long step = static_cast<long long>(gridDim.x) * blockDim.x * 4;
  const R* c = static_cast<const R*>(a.c);
  for (long long i = (static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x) * 4; i < a.size; i += step) {
    const int left = static_cast<int>(a.size - i < 4 ? a.size - i : 4);
    float sums[4] = {};
    for (int part = 0; part < a.parts; part++) {
      const Vector<float, 4> values = load_up_to<4>(a.partial + part * a.size + i, left, a.wide != 0);
#pragma unroll
      for (int j = 0; j < 4; j++) sums[j] += values.at[j];
    }
    add_and_store<R>(static_cast<R*>(a.d) + i, c ? c + i : c, sums, a.wide != 0, left);
  }
}

KERNEL(matmul_sum_f32, 256, MatmulSumArguments) { sum_parts<float>(a); }
KERNEL(matmul_sum_bf16, 256, MatmulSumArguments) { sum_parts<bf16>(a); }
