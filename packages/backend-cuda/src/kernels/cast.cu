/**
 * cast: every pair of f32, bf16, i32 and i8. To bf16: nearest, ties to even, a NaN stays one. Floats to integers:
 * truncated toward zero and held inside the range, NaN to 0; integers to floats: nearest.
 */
#include "elementwise.cuh"

struct CastArguments {
  const void *x;
  void *y;
  long long count;
};

DEVICE float to_float(int x) { return static_cast<float>(x); }
DEVICE float to_float(signed char x) { return static_cast<float>(x); }

DEVICE int to_int(int x) { return x; }
DEVICE int to_int(signed char x) { return x; }
/** The conversion of the hardware saturates and turns NaN into 0. */
DEVICE int to_int(float x) { return __float2int_rz(x); }
DEVICE int to_int(bf16 x) { return __float2int_rz(to_float(x)); }

template <class Y>
struct To {
  template <class X>
  static DEVICE Y convert(X x) {
    return from_float<Y>(to_float(x));
  }
};
template <>
struct To<int> {
  template <class X>
  static DEVICE int convert(X x) {
    return to_int(x);
  }
};
template <>
struct To<signed char> {
  template <class X>
  static DEVICE signed char convert(X x) {
    return static_cast<signed char>(max(-128, min(127, to_int(x))));
  }
};

template <class X, class Y>
DEVICE void cast(const CastArguments& a) {
  map(static_cast<const X*>(a.x), static_cast<Y*>(a.y), a.count, [](X x) { return To<Y>::convert(x); });
}

KERNEL(cast_f32_bf16, 256, CastArguments) { cast<float, bf16>(a); }
KERNEL(cast_f32_i32, 256, CastArguments) { cast<float, int>(a); }
KERNEL(cast_f32_i8, 256, CastArguments) { cast<float, signed char>(a); }
KERNEL(cast_bf16_f32, 256, CastArguments) { cast<bf16, float>(a); }
KERNEL(cast_bf16_i32, 256, CastArguments) { cast<bf16, int>(a); }
KERNEL(cast_bf16_i8, 256, CastArguments) { cast<bf16, signed char>(a); }
KERNEL(cast_i32_f32, 256, CastArguments) { cast<int, float>(a); }
KERNEL(cast_i32_bf16, 256, CastArguments) { cast<int, bf16>(a); }
KERNEL(cast_i32_i8, 256, CastArguments) { cast<int, signed char>(a); }
KERNEL(cast_i8_f32, 256, CastArguments) { cast<signed char, float>(a); }
KERNEL(cast_i8_bf16, 256, CastArguments) { cast<signed char, bf16>(a); }
KERNEL(cast_i8_i32, 256, CastArguments) { cast<signed char, int>(a); }
