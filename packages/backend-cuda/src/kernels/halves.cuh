/**
 * What a warp and pairs of bf16 need beyond device.cuh when rows are searched: magnitudes compared two at a time, in one
 * instruction where the GPU has it (compute capability 9.0).
 */
#pragma once
#include "device.cuh"

DEVICE u32 warp_largest(u32 x) {
#if !defined(QSPARSE_EMULATED) && __CUDA_ARCH__ >= 800
  return __reduce_max_sync(FULL_WARP, x);
#else
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) x = max(x, __shfl_xor_sync(FULL_WARP, x, step));
  return x;
#endif
}

/** The larger in each half, as whole numbers of 16 bits. */
DEVICE u32 larger_halves(u32 a, u32 b) {
#if !defined(QSPARSE_EMULATED) && __CUDA_ARCH__ >= 900
  u32 larger;
  asm("max.u16x2 %0, %1, %2;" : "=r"(larger) : "r"(a), "r"(b));
  return larger;
#else
  return max(a & 0xffff0000u, b & 0xffff0000u) | max(a & 0xffffu, b & 0xffffu);
#endif
}
/** 0xffff in each half whose bf16 is at least that of `bound`, else 0. No NaN and nothing negative. */
DEVICE u32 halves_not_below(u32 pair, u32 bound) {
#if !defined(QSPARSE_EMULATED) && __CUDA_ARCH__ >= 900
  u32 mask;
  asm("set.ge.u32.bf16x2 %0, %1, %2;" : "=r"(mask) : "r"(pair), "r"(bound));
  return mask;
#else
  // Both have 15 bits, so that nothing is borrowed or carried between the halves: bit 15 says which one is larger.
  return (((pair + 0x80008000u - bound) >> 15) & 0x00010001u) * 0xffffu;
#endif
}
/** The same for magnitudes: the halves of `pair` may be negative. */
DEVICE u32 halves_from(u32 pair, u32 bound) {
#if !defined(QSPARSE_EMULATED) && __CUDA_ARCH__ >= 900
  u32 mask;
  asm("{.reg .b32 magnitude; abs.bf16x2 magnitude, %1; set.ge.u32.bf16x2 %0, magnitude, %2;}"
      : "=r"(mask)
      : "r"(pair), "r"(bound));
  return mask;
#else
  return halves_not_below(pair & 0x7fff7fffu, bound);
#endif
}
/** 0xffff in each half whose bf16 magnitude is `value`, else 0. No NaN; neither half of `value` is negative. */
DEVICE u32 halves_equal(u32 pair, u32 value) {
#if !defined(QSPARSE_EMULATED) && __CUDA_ARCH__ >= 900
  u32 mask;
  asm("{.reg .b32 magnitude; abs.bf16x2 magnitude, %1; set.eq.u32.bf16x2 %0, magnitude, %2;}"
      : "=r"(mask)
      : "r"(pair), "r"(value));
  return mask;
#else
  const u32 unlike = ((pair & 0x7fff7fffu) ^ value) + 0x7fff7fffu;
  return ((~unlike >> 15) & 0x00010001u) * 0xffffu;
#endif
}
