/** copy: the bytes of x into another place of the same size; any dtype. The two do not overlap. */
#include "movement.cuh"

/** `tail`: bytes behind the last whole unit. */
struct CopyArguments {
  const void *x;
  void *into;
  long long units;
  int tail;
};

template <class Unit>
DEVICE void copy(const CopyArguments& a) {
  const Unit* x = static_cast<const Unit*>(a.x);
  Unit* into = static_cast<Unit*>(a.into);
  each<2>(a.units, [&](long long i) { return x[i]; }, [&](long long i, const Unit& unit) { into[i] = unit; });
  const auto* from = reinterpret_cast<const unsigned char*>(x + a.units);
  auto* to = reinterpret_cast<unsigned char*>(into + a.units);
  if (blockIdx.x == 0 && threadIdx.x < a.tail) to[threadIdx.x] = from[threadIdx.x];
}

KERNEL(copy_1, 256, CopyArguments) { copy<Unit1>(a); }
KERNEL(copy_2, 256, CopyArguments) { copy<Unit2>(a); }
KERNEL(copy_4, 256, CopyArguments) { copy<Unit4>(a); }
KERNEL(copy_8, 256, CopyArguments) { copy<Unit8>(a); }
KERNEL(copy_16, 256, CopyArguments) { copy<Unit16>(a); }
