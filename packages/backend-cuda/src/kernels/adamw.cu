/**
 * adamw: one step over an arena in one pass. hyper: learning rate, weight decay, 1 - beta1^step, 1 - beta2^step, clip
 * norm (0: off). A norm that is not finite leaves everything as it is.
 */
#include "elementwise.cuh"

struct AdamwArguments {
  float *value;
  const float *grad;
  float *m;
  float *v;
  const float *norm;
  const float *hyper;
  long long count;
  int decay;
  float beta1;
  float rest1;
  float beta2;
  float rest2;
  float epsilon;
};

/** What all elements have in common. */
struct Factors {
  float clip, kept, beta1, rest1, beta2, rest2, rate, correction1, correction2, epsilon;
};

/** N elements of everything. */
template <int N>
struct Moments {
  Vector<float, N> value, grad, m, v;

  DEVICE void update(const Factors& f) {
#pragma unroll
    for (int j = 0; j < N; j++) {
      const float g = grad.at[j] * f.clip;
      m.at[j] = fmaf(f.beta1, m.at[j], f.rest1 * g);
      v.at[j] = fmaf(f.beta2, v.at[j], f.rest2 * g * g);
      const float size = sqrtf(v.at[j] / f.correction2) + f.epsilon;
      value.at[j] = value.at[j] * f.kept - f.rate * (m.at[j] / f.correction1) / size;
    }
  }
};

template <int N>
DEVICE void step(const AdamwArguments& a, const Factors& f, long long begin, long long end) {
  each<1>(
      (end - begin) / N,
      [&](long long i) {
        const long long at = begin + i * N;
        return Moments<N>{load_vector<N>(a.value + at), load_vector<N>(a.grad + at), load_vector<N>(a.m + at),
                          load_vector<N>(a.v + at)};
      },
      [&](long long i, Moments<N> moments) {
        const long long at = begin + i * N;
        moments.update(f);
        store_vector(a.value + at, moments.value);
        store_vector(a.m + at, moments.m);
        store_vector(a.v + at, moments.v);
      });
}

KERNEL(adamw_f32, 256, AdamwArguments) {
  const float norm = *a.norm;
  if (!(norm < __uint_as_float(0x7f800000u))) return;
  const float rate = a.hyper[0], decay = a.hyper[1], most = a.hyper[4];
  Factors f;
  // The 1e-6 is that of the op's spec.
  f.clip = most > 0 ? fminf(1, most / (norm + 1e-6f)) : 1;
  f.kept = a.decay ? 1 - rate * decay : 1;
  f.beta1 = a.beta1, f.rest1 = a.rest1, f.beta2 = a.beta2, f.rest2 = a.rest2;
  f.rate = rate, f.correction1 = a.hyper[2], f.correction2 = a.hyper[3], f.epsilon = a.epsilon;
  const bool wide = is_aligned<4>(a.value) && is_aligned<4>(a.grad) && is_aligned<4>(a.m) && is_aligned<4>(a.v);
  const long long done = wide ? a.count / 4 * 4 : 0;
  step<4>(a, f, 0, done);
  step<1>(a, f, done, a.count);
}
