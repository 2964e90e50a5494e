/** copy-section: into[..., start : start + length, ...] = x; `into` points at the first element written. Any dtype. */
#include "movement.cuh"

/** Runs of `length` units, so far apart in x and in into. */
struct CopySectionArguments {
  const void *x;
  void *into;
  long long runs;
  long long length;
  long long x_stride;
  long long into_stride;
};

template <class Unit>
DEVICE void copy_section(const CopySectionArguments& a) {
  copy_runs(static_cast<const Unit*>(a.x), static_cast<Unit*>(a.into), a.runs, a.length, a.x_stride, a.into_stride);
}

KERNEL(copy_section_1, 256, CopySectionArguments) { copy_section<Unit1>(a); }
KERNEL(copy_section_2, 256, CopySectionArguments) { copy_section<Unit2>(a); }
KERNEL(copy_section_4, 256, CopySectionArguments) { copy_section<Unit4>(a); }
KERNEL(copy_section_8, 256, CopySectionArguments) { copy_section<Unit8>(a); }
KERNEL(copy_section_16, 256, CopySectionArguments) { copy_section<Unit16>(a); }
