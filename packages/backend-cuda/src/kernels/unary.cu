/** unary: y = f(x), element by element, f32 or bf16. */
#include "elementwise.cuh"
#include "unary.cuh"

struct UnaryArguments {
  const void *x;
  void *y;
  long long count;
  int kind;
};

template <class T, UnaryKind KIND>
DEVICE void apply(const UnaryArguments& a) {
  map(static_cast<const T*>(a.x), static_cast<T*>(a.y), a.count,
      [](T x) { return from_float<T>(unary_value<KIND>(to_float(x))); });
}

template <class T>
DEVICE void unary(const UnaryArguments& a) {
  switch (a.kind) {
    case NEGATE: return apply<T, NEGATE>(a);
    case EXP: return apply<T, EXP>(a);
    case LOG: return apply<T, LOG>(a);
    case SQRT: return apply<T, SQRT>(a);
    case SQUARE: return apply<T, SQUARE>(a);
    case RECIPROCAL: return apply<T, RECIPROCAL>(a);
    case ABSOLUTE: return apply<T, ABSOLUTE>(a);
    case RELU: return apply<T, RELU>(a);
    case SQUARED_RELU: return apply<T, SQUARED_RELU>(a);
    case SILU: return apply<T, SILU>(a);
    default: return apply<T, GELU>(a);
  }
}

KERNEL(unary_f32, 256, UnaryArguments) { unary<float>(a); }
KERNEL(unary_bf16, 256, UnaryArguments) { unary<bf16>(a); }
