/* fill: out[i] = value for i < count, f32. Also the example to copy for a new kernel. */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"

/* One field a line; the TypeScript side gets { out: pointer, count: i32, value: f32 } from this struct. */
struct fill_args {
  float *out;
  int32_t count;
  float value;
};

KERNEL(fill) {
  /* Shares end at multiples of 16, so that every element is in the vector or the tail code for any thread count. */
  const struct range r = part(a->count, 16, thread, threads);
  const v128_t value = wasm_f32x4_splat(a->value);
  int32_t i = r.begin;
  for (; i + 4 <= r.end; i += 4) store4(a->out + i, value);
  /* Any length is allowed: the last 0 to 3 elements. */
  store_some(a->out + i, value, r.end - i);
}

struct fill_bits_args {
  void *out;
  int32_t count;
  int32_t element_bytes;
  uint32_t pattern;
};

/* The same for any element of 4 or 2 bytes, given its bits: integers and bf16. Small tensors only, so one by one. */
KERNEL(fill_bits) {
  const struct range r = part(a->count, 16, thread, threads);
  for (int32_t i = r.begin; i < r.end; i++) {
    if (a->element_bytes == 4)
      ((uint32_t *)a->out)[i] = a->pattern;
    else
      ((uint16_t *)a->out)[i] = (uint16_t)a->pattern;
  }
}
