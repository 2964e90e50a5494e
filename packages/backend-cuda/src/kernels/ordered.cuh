/** Floats as whole numbers in the order of argmax and sample: -0 equals 0, and a NaN is above all. */
#pragma once
#include "device.cuh"

DEVICE u32 ordered(float x) {
  if (x != x) return 0xffffffffu;
  const u32 bits = __float_as_uint(x + 0.0f);
  return bits >> 31 ? ~bits : bits | 0x80000000u;
}
