/** unary-backward: dx = f'(x) · dy, element by element, f32 or bf16. */
#include "elementwise.cuh"
#include "unary.cuh"

struct UnaryBackwardArguments {
  const void *x;
  const void *dy;
  void *dx;
  long long count;
  int kind;
};

template <class T, UnaryKind KIND>
DEVICE void apply(const UnaryBackwardArguments& a) {
  map2(static_cast<const T*>(a.x), static_cast<const T*>(a.dy), static_cast<T*>(a.dx), a.count,
       [](T x, T dy) { return from_float<T>(unary_derivative<KIND>(to_float(x)) * to_float(dy)); });
}

template <class T>
DEVICE void unary_backward(const UnaryBackwardArguments& a) {
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

KERNEL(unary_backward_f32, 256, UnaryBackwardArguments) { unary_backward<float>(a); }
KERNEL(unary_backward_bf16, 256, UnaryBackwardArguments) { unary_backward<bf16>(a); }
