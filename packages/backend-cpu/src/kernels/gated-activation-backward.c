/* gated_activation_backward: dGate = act'(gate) * (dy * up), dUp = act(gate) * dy, f32. */
#include "../runtime/kernel.h"
#include "gated-activation.h"

struct gated_activation_backward_args {
  const float *gate;
  const float *up;
  const float *dy;
  float *d_gate;
  float *d_up;
  int32_t count;
  int32_t kind;
};

#define RUN(name, f)                                                                                             \
  static void name(const float *gate, const float *up, const float *dy, float *d_gate, float *d_up, int32_t n) { \
    int32_t i = 0;                                                                                               \
    for (; i + 4 <= n; i += 4) {                                                                                 \
      const struct activation act = f(load4(gate + i));                                                          \
      const v128_t d = load4(dy + i), g = wasm_f32x4_mul(act.slope, wasm_f32x4_mul(d, load4(up + i)));           \
      store4(d_gate + i, g);                                                                                     \
      store4(d_up + i, wasm_f32x4_mul(act.value, d));                                                            \
    }                                                                                                            \
    const struct activation act = f(load_some(gate + i, n - i));                                                 \
    const v128_t d = load_some(dy + i, n - i);                                                                   \
    store_some(d_gate + i, wasm_f32x4_mul(act.slope, wasm_f32x4_mul(d, load_some(up + i, n - i))), n - i);       \
    store_some(d_up + i, wasm_f32x4_mul(act.value, d), n - i);                                                   \
  }

RUN(squared_relu_backward, squared_relu_activation)
RUN(silu_backward, silu_activation)
RUN(gelu_backward, gelu_activation)

void gated_backward(int32_t kind, const float *gate, const float *up, const float *dy, float *d_gate, float *d_up,
                    int32_t n) {
  if (kind == GATED_SQUARED_RELU) squared_relu_backward(gate, up, dy, d_gate, d_up, n);
  else if (kind == GATED_SILU) silu_backward(gate, up, dy, d_gate, d_up, n);
  else gelu_backward(gate, up, dy, d_gate, d_up, n);
}

KERNEL(gated_activation_backward) {
  const struct range r = part(a->count, 16, thread, threads);
  gated_backward(a->kind, a->gate + r.begin, a->up + r.begin, a->dy + r.begin, a->d_gate + r.begin, a->d_up + r.begin,
                 r.end - r.begin);
}
