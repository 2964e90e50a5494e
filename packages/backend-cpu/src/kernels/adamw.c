/*
 * adamw: one step over an arena in one pass. hyper: learning rate, weight decay, 1 - beta1^step, 1 - beta2^step, clip
 * norm (0: off). A norm that is not finite leaves everything as it is.
 */
#include "../runtime/kernel.h"
#include "../runtime/simd.h"

struct adamw_args {
  float *value;
  const float *grad;
  float *m;
  float *v;
  const float *norm;
  const float *hyper;
  int32_t count;
  int32_t decay;
  float beta1;
  float rest1;
  float beta2;
  float rest2;
  float epsilon;
};

/* The same for all elements. */
struct factors {
  v128_t clip, kept, beta1, rest1, beta2, rest2, rate, root, epsilon;
};

static inline void update4(const struct factors *f, v128_t grad, v128_t *value, v128_t *m, v128_t *v) {
  const v128_t g = wasm_f32x4_mul(grad, f->clip);
  *m = madd(f->beta1, *m, wasm_f32x4_mul(f->rest1, g));
  *v = madd(f->beta2, *v, wasm_f32x4_mul(wasm_f32x4_mul(f->rest2, g), g));
  const v128_t size = madd(wasm_f32x4_sqrt(*v), f->root, f->epsilon);
  *value = wasm_f32x4_sub(wasm_f32x4_mul(*value, f->kept), wasm_f32x4_div(wasm_f32x4_mul(f->rate, *m), size));
}

KERNEL(adamw) {
  const double norm = *a->norm;
  if (!(norm < __builtin_inf())) return;
  const double rate = a->hyper[0], decay = a->hyper[1], most = a->hyper[4];
  const double correction1 = a->hyper[2], correction2 = a->hyper[3];
  const double clip = most > 0 && most < norm + 1e-6 ? most / (norm + 1e-6) : 1;
  const struct factors f = {
      .clip = wasm_f32x4_splat((float)clip),
      .kept = wasm_f32x4_splat(a->decay ? (float)(1 - rate * decay) : 1),
      .beta1 = wasm_f32x4_splat(a->beta1),
      .rest1 = wasm_f32x4_splat(a->rest1),
      .beta2 = wasm_f32x4_splat(a->beta2),
      .rest2 = wasm_f32x4_splat(a->rest2),
      .rate = wasm_f32x4_splat((float)(rate / correction1)),
      .root = wasm_f32x4_splat((float)(1 / __builtin_sqrt(correction2))),
      .epsilon = wasm_f32x4_splat(a->epsilon),
  };
  const struct range r = part(a->count, 16, thread, threads);
  int32_t i = r.begin;
  for (; i + 4 <= r.end; i += 4) {
    v128_t value = load4(a->value + i), m = load4(a->m + i), v = load4(a->v + i);
    update4(&f, load4(a->grad + i), &value, &m, &v);
    store4(a->value + i, value);
    store4(a->m + i, m);
    store4(a->v + i, v);
  }
  const int32_t left = r.end - i;
  v128_t value = load_some(a->value + i, left), m = load_some(a->m + i, left), v = load_some(a->v + i, left);
  update4(&f, load_some(a->grad + i, left), &value, &m, &v);
  store_some(a->value + i, value, left);
  store_some(a->m + i, m, left);
  store_some(a->v + i, v, left);
}
