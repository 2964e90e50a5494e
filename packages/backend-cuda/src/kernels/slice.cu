/** slice: y = x[..., start : start + length, ...]; x points at the first element taken. Any dtype. */
#include "movement.cuh"

/** Runs of `length` units, so far apart in x and in y. */
struct SliceArguments {
  const void *x;
  void *y;
  long long runs;
  long long length;
  long long x_stride;
  long long y_stride;
};

template <class Unit>
DEVICE void slice(const SliceArguments& a) {
  copy_runs(static_cast<const Unit*>(a.x), static_cast<Unit*>(a.y), a.runs, a.length, a.x_stride, a.y_stride);
}

KERNEL(slice_1, 256, SliceArguments) { slice<Unit1>(a); }
KERNEL(slice_2, 256, SliceArguments) { slice<Unit2>(a); }
KERNEL(slice_4, 256, SliceArguments) { slice<Unit4>(a); }
KERNEL(slice_8, 256, SliceArguments) { slice<Unit8>(a); }
KERNEL(slice_16, 256, SliceArguments) { slice<Unit16>(a); }
