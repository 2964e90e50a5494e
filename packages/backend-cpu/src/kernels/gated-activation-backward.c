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

RUN(squared_relu_run, squared_relu_activation)
RUN(silu_run, silu_activation)
RUN(gelu_run, gelu_activation)

KERNEL(gated_activation_backward) {
  const struct range r = part(a->count, 16, thread, threads);
  const float *gate = a->gate + r.begin, *up = a->up + r.begin, *dy = a->dy + r.begin;
  float *d_gate = a->d_gate + r.begin, *d_up = a->d_up + r.begin;
  const int32_t n = r.end - r.begin;
  if (a->kind == GATED_SQUARED_RELU) squared_relu_run(gate, up, dy, d_gate, d_up, n);
  else if (a->kind == GATED_SILU) silu_run(gate, up, dy, d_gate, d_up, n);
  else gelu_run(gate, up, dy, d_gate, d_up, n);
}
