/**
 * pack-ternary: the signs of w [outputs, inputs] in 2 bits, channel by channel. A block packs 32 channels of 256 outputs:
 * lanes read neighbouring channels, and the bytes turn round in shared memory.
 */
#include "device.cuh"

struct PackTernaryArguments {
  const void *w;
  unsigned char *y;
  int outputs;
  int inputs;
};

constexpr int CHANNELS = 32;
constexpr int BYTES = 64;

/** 2, 1 or 0 for a positive, zero (or NaN) or negative weight. */
DEVICE u32 code_of(float weight) { return weight > 0 ? 2u : weight < 0 ? 0u : 1u; }

template <class T>
DEVICE void pack_ternary(const PackTernaryArguments& a) {
  __shared__ unsigned char tile[CHANNELS][BYTES + 4];
  const T* w = static_cast<const T*>(a.w);
  const int channel = blockIdx.x * CHANNELS + lane_index();
  const long long first = static_cast<long long>(blockIdx.y) * 4 * BYTES;
#pragma unroll 2
  for (int byte = warp_index(); byte < BYTES; byte += 8) {
    u32 codes = 0;
#pragma unroll
    for (int field = 0; field < 4; field++) {
      const long long output = first + field * BYTES + byte;
      const bool inside = output < a.outputs && channel < a.inputs;
      codes |= code_of(inside ? to_float(w[output * a.inputs + channel]) : 0.0f) << (2 * field);
    }
    tile[lane_index()][byte] = static_cast<unsigned char>(codes);
  }
  __syncthreads();
  const long long stride = static_cast<long long>(gridDim.y) * BYTES;
  for (int i = threadIdx.x; i < CHANNELS * BYTES; i += 256) {
    const int row = i / BYTES, byte = i % BYTES;
    const long long to = static_cast<long long>(blockIdx.x) * CHANNELS + row;
    if (to < a.inputs) a.y[to * stride + blockIdx.y * BYTES + byte] = tile[row][byte];
  }
}

KERNEL(pack_ternary_f32, 256, PackTernaryArguments) { pack_ternary<float>(a); }
KERNEL(pack_ternary_bf16, 256, PackTernaryArguments) { pack_ternary<bf16>(a); }
