/**
 * What a .cu file sees instead of CUDA when it is compiled as C++ for the CPU (QSPARSE_EMULATED). No standard header is
 * included: a kernel that needs one would not compile for a GPU either. build-emulator.mjs puts each .cu file into an
 * unnamed namespace, so that equal names in two files stay apart; this header stays outside of it.
 */
#pragma once

#define KERNEL(name, threads, Arguments)                                                              \
  static void kernel_##name(const Arguments& a);                                                      \
  static void enter_##name(const void* a) {                                                           \
    fetch_ahead(*static_cast<const Arguments*>(a));                                                   \
    kernel_##name(*static_cast<const Arguments*>(a));                                                 \
  }                                                                                                   \
  static const emulated::Registration entry_##name{{#name, QSPARSE_MODULE, threads, sizeof(Arguments), \
                                                    alignof(Arguments), enter_##name}};               \
  static void kernel_##name(const Arguments& a)
#define DYNAMIC_SHARED(name) unsigned char* const name = emulated::dynamic_shared()
#define DEVICE inline __attribute__((always_inline))
#define HAS_TENSOR_CORES 1

// Shared variables are static storage in a section of their file's own, which is poisoned before every block.
#define __shared__ static __attribute__((section(QSPARSE_SHARED_SECTION)))
#define __device__
#define __host__
#define __constant__ const
#define __forceinline__ DEVICE
#define __noinline__ __attribute__((noinline))
#define __align__(bytes) __attribute__((aligned(bytes)))
// As an attribute it may also stand behind __shared__, which nvcc allows.
#define alignas(bytes) __align__(bytes)
#define __launch_bounds__(...)

#define threadIdx (emulated::thread_index())
#define blockIdx (emulated::block_index())
#define blockDim (emulated::block_size())
#define gridDim (emulated::grid_size())
#define warpSize 32

using size_t = decltype(sizeof 0);

#include "kernel/atomics.h"
#include "kernel/launch.h"
#include "kernel/math.h"
#include "kernel/synchronise.h"
#include "kernel/warp-matrix.h"
