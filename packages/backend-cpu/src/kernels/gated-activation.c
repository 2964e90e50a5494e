/* gated_activation: y = act(gate) * up, f32. */
#include "../runtime/kernel.h"
#include "gated-activation.h"

struct gated_activation_args {
  const float *gate;
  const float *up;
  float *y;
  int32_t count;
  int32_t kind;
};

#define RUN(name, f)                                                                                         \
  static void name(const float *gate, const float *up, float *y, int32_t n) {                                \
    int32_t i = 0;                                                                                           \
    for (; i + 8 <= n; i += 8) {                                                                             \
      const v128_t y0 = wasm_f32x4_mul(f(load4(gate + i)).value, load4(up + i));                             \
      const v128_t y1 = wasm_f32x4_mul(f(load4(gate + i + 4)).value, load4(up + i + 4));                     \
      store4(y + i, y0);                                                                                     \
      store4(y + i + 4, y1);                                                                                 \
    }                                                                                                        \
    for (; i + 4 <= n; i += 4) store4(y + i, wasm_f32x4_mul(f(load4(gate + i)).value, load4(up + i)));       \
    store_some(y + i, wasm_f32x4_mul(f(load_some(gate + i, n - i)).value, load_some(up + i, n - i)), n - i); \
  }

RUN(squared_relu_run, squared_relu_activation)
RUN(silu_run, silu_activation)
RUN(gelu_run, gelu_activation)

void gated_run(int32_t kind, const float *gate, const float *up, float *y, int32_t n) {
  if (kind == GATED_SQUARED_RELU) squared_relu_run(gate, up, y, n);
  else if (kind == GATED_SILU) silu_run(gate, up, y, n);
  else gelu_run(gate, up, y, n);
}

KERNEL(gated_activation) {
  const struct range r = part(a->count, 16, thread, threads);
  gated_run(a->kind, a->gate + r.begin, a->up + r.begin, a->y + r.begin, r.end - r.begin);
}
