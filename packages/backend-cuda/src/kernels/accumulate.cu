/** accumulate: into += x, element by element; f32, bf16, or bf16 into f32. */
#include "elementwise.cuh"

struct AccumulateArguments {
  void *into;
  const void *x;
  long long count;
};

template <class Into, class X>
DEVICE void accumulate(const AccumulateArguments& a) {
  Into* into = static_cast<Into*>(a.into);
  map2(into, static_cast<const X*>(a.x), into, a.count,
       [](Into sum, X x) { return from_float<Into>(to_float(sum) + to_float(x)); });
}

KERNEL(accumulate_f32, 256, AccumulateArguments) { accumulate<float, float>(a); }
KERNEL(accumulate_bf16, 256, AccumulateArguments) { accumulate<bf16, bf16>(a); }
KERNEL(accumulate_f32_bf16, 256, AccumulateArguments) { accumulate<float, bf16>(a); }
