/**
 * What every kernel is written with: the kernel declaration, bf16, 16-byte access, reductions over a warp and a block.
 * No CUDA header is used, so that NVRTC needs none and the tests can run the kernels without a GPU
 * (QSPARSE_EMULATED: test/emulator).
 */
#pragma once

#ifdef QSPARSE_EMULATED
#include "emulated.h"
#else
/**
 * Declares a kernel: its name, the threads of a block (its most, and what a launch uses unless it says otherwise) and the
 * struct of its arguments, which the body sees as `a`. scripts/kernel-structs.mjs reads these lines and the structs.
 * Every kernel waits for the launches before it, so that each of them may be started early (src/early.ts).
 */
#define KERNEL(name, threads, Arguments)                                                            \
  static DEVICE void body_of_##name(const Arguments& a);                                            \
  extern "C" __global__ void __launch_bounds__(threads) name(const __grid_constant__ Arguments a) { \
    fetch_ahead(a);                                                                                 \
    wait_for_earlier_launches();                                                                    \
    body_of_##name(a);                                                                              \
  }                                                                                                 \
  static DEVICE void body_of_##name(const Arguments& a)
/** Shared memory whose size the launch decides. */
#define DYNAMIC_SHARED(name) extern __shared__ __align__(128) unsigned char name[]
#define DEVICE __device__ __forceinline__
#if __CUDA_ARCH__ >= 800
#define HAS_TENSOR_CORES 1
#else
#define HAS_TENSOR_CORES 0
#endif

/**
 * Ends when the launch before this one has ended and all that it wrote is seen here; then the next one may be started
 * beside this. No launch ends before its own wait has, and so none of those before it is under way any more either: a
 * body may read, overwrite and count in what any earlier launch has used, as if launches came one after the other.
 */
DEVICE void wait_for_earlier_launches() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}
#endif

/**
 * What a kernel does before it waits: nothing, unless the file of its struct has another form of this in front of its
 * KERNELs. It may have memory brought into the second cache; what it reads may be written at the same time.
 */
template <class Arguments>
DEVICE void fetch_ahead(const Arguments&) {}

#define FULL_WARP 0xffffffffu

typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

/** The upper half of a float32. */
struct bf16 {
  u16 bits;
};

DEVICE float to_float(float x) { return x; }
DEVICE float to_float(bf16 x) { return __uint_as_float(static_cast<u32>(x.bits) << 16); }

/** Nearest, ties to even; NaN stays NaN. */
template <class T>
DEVICE T from_float(float x);
template <>
DEVICE float from_float<float>(float x) {
  return x;
}
template <>
DEVICE bf16 from_float<bf16>(float x) {
#if !defined(QSPARSE_EMULATED) && HAS_TENSOR_CORES
  bf16 y;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
  return y;
#else
  const u32 bits = __float_as_uint(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return bf16{static_cast<u16>((bits >> 16) | 0x40u)};
  return bf16{static_cast<u16>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
#endif
}

/** Two floats as one register of two bf16, `low` in the lower half. */
DEVICE u32 pack_bf16(float low, float high) {
#if !defined(QSPARSE_EMULATED) && HAS_TENSOR_CORES
  u32 pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
#else
  return static_cast<u32>(from_float<bf16>(low).bits) | (static_cast<u32>(from_float<bf16>(high).bits) << 16);
#endif
}
DEVICE float low_bf16(u32 pair) { return __uint_as_float(pair << 16); }
DEVICE float high_bf16(u32 pair) { return __uint_as_float(pair & 0xffff0000u); }

/** `N` neighbours that are loaded and stored at once; N · sizeof(T) is 2, 4, 8 or 16, and their address a multiple of it. */
template <class T, int N>
struct alignas(sizeof(T) * N) Vector {
  T at[N];
};
/** The widest vector: 16 bytes. */
template <class T>
constexpr int WIDE = 16 / sizeof(T);

// By reference, which the checked build of the tests looks at: a misaligned address shows there.
template <int N, class T>
DEVICE Vector<T, N> load_vector(const T* from) {
  const auto& values = *reinterpret_cast<const Vector<T, N>*>(from);
  return values;
}
template <int N, class T>
DEVICE void store_vector(T* to, const Vector<T, N>& values) {
  auto& target = *reinterpret_cast<Vector<T, N>*>(to);
  target = values;
}
/**
 * 16 and 8 bytes at a multiple of as many that nobody reads again soon and no kernel writes meanwhile: past the first cache.
 * Volatile, so that loads which are written before their uses stay there and wait together.
 */
DEVICE Vector<u32, 4> load_once(const void* from) {
#if !defined(QSPARSE_EMULATED) && __CUDA_ARCH__ >= 800
  Vector<u32, 4> words;
  asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0,%1,%2,%3}, [%4];"
               : "=r"(words.at[0]), "=r"(words.at[1]), "=r"(words.at[2]), "=r"(words.at[3])
               : "l"(from));
  return words;
#else
  return load_vector<4>(static_cast<const u32*>(from));
#endif
}
DEVICE Vector<u32, 2> load_once_8(const void* from) {
#if !defined(QSPARSE_EMULATED) && __CUDA_ARCH__ >= 800
  Vector<u32, 2> words;
  asm volatile("ld.global.nc.L1::no_allocate.v2.u32 {%0,%1}, [%2];" : "=r"(words.at[0]), "=r"(words.at[1]) : "l"(from));
  return words;
#else
  return load_vector<2>(static_cast<const u32*>(from));
#endif
}
/** Has `bytes` (a multiple of 16, as their address) brought into the second cache in the background. */
DEVICE void fetch_into_cache(const void* from, u32 bytes) {
#ifdef QSPARSE_EMULATED
  // Addresses that are wrong show in the checked build.
  load_once(from);
  load_once(static_cast<const unsigned char*>(from) + bytes - 16);
#elif __CUDA_ARCH__ >= 900
  asm volatile("cp.async.bulk.prefetch.L2.global [%0], %1;" ::"l"(from), "r"(bytes) : "memory");
#endif
}
/** Whether every row of `width` elements from `first` on starts at a multiple of 16 bytes and is whole vectors. */
template <class T>
DEVICE bool is_wide(const T* first, long long width) {
  return (reinterpret_cast<u64>(first) & 15) == 0 && width % WIDE<T> == 0;
}

DEVICE float warp_sum(float x) {
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) x += __shfl_xor_sync(FULL_WARP, x, step);
  return x;
}
DEVICE float warp_max(float x) {
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) x = fmaxf(x, __shfl_xor_sync(FULL_WARP, x, step));
  return x;
}
DEVICE u32 warp_count(u32 x) {
#if !defined(QSPARSE_EMULATED) && __CUDA_ARCH__ >= 800
  return __reduce_add_sync(FULL_WARP, x);
#else
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) x += __shfl_xor_sync(FULL_WARP, x, step);
  return x;
#endif
}

/** 2 to the power of x in one instruction: 2 ulp, numbers below 2^-126 become 0. */
DEVICE float exp2_approximate(float x) {
#ifdef QSPARSE_EMULATED
  return exp2f(x);
#else
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#endif
}

/**
 * How blocks of one launch hand memory on: whoever reads, by `load_acquire`, what another wrote by `store_release` sees
 * all that the writer's block had written and passed a barrier after.
 */
DEVICE u32 load_acquire(const u32* from) {
#ifdef QSPARSE_EMULATED
  return atomicAdd(const_cast<u32*>(from), 0u);
#else
  u32 value;
  asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(value) : "l"(from) : "memory");
  return value;
#endif
}
DEVICE void store_release(u32* to, u32 value) {
#ifdef QSPARSE_EMULATED
  __threadfence();
  atomicExch(to, value);
#else
  asm volatile("st.release.gpu.global.u32 [%0], %1;" ::"l"(to), "r"(value) : "memory");
#endif
}
/** An offset that the compiler must keep in a register; what lies at constant distances from it then needs no more. */
DEVICE long long kept(long long offset) {
#ifndef QSPARSE_EMULATED
  asm("" : "+l"(offset));
#endif
  return offset;
}

DEVICE int lane_index() { return threadIdx.x & 31; }
DEVICE int warp_index() { return threadIdx.x >> 5; }

/**
 * The sum over a block of THREADS (whole warps), in a fixed order; every thread gets it, and all must call. `scratch` is
 * shared and holds 32 floats; two calls in a row may use the same.
 */
template <int THREADS>
DEVICE float block_sum(float x, float* scratch) {
  x = warp_sum(x);
  if (THREADS == 32) return x;
  __syncthreads();
  if (lane_index() == 0) scratch[warp_index()] = x;
  __syncthreads();
  float sum = 0;
#pragma unroll
  for (int warp = 0; warp < THREADS / 32; warp++) sum += scratch[warp];
  return sum;
}
template <int THREADS>
DEVICE float block_max(float x, float* scratch) {
  x = warp_max(x);
  if (THREADS == 32) return x;
  __syncthreads();
  if (lane_index() == 0) scratch[warp_index()] = x;
  __syncthreads();
  float largest = scratch[0];
#pragma unroll
  for (int warp = 1; warp < THREADS / 32; warp++) largest = fmaxf(largest, scratch[warp]);
  return largest;
}
