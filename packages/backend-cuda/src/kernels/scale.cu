/** scale: y = factor · x, f32 or bf16. */
#include "elementwise.cuh"

struct ScaleArguments {
  const void *x;
  void *y;
  long long count;
  float factor;
};

template <class T>
DEVICE void scale(const ScaleArguments& a) {
  const float factor = a.factor;
  map(static_cast<const T*>(a.x), static_cast<T*>(a.y), a.count,
      [=](T x) { return from_float<T>(factor * to_float(x)); });
}

KERNEL(scale_f32, 256, ScaleArguments) { scale<float>(a); }
KERNEL(scale_bf16, 256, ScaleArguments) { scale<bf16>(a); }
