/**
 * What ops share that move elements without looking at them: they copy units of 1, 2, 4, 8 or 16 bytes, the widest that
 * every address and size is a multiple of (units.ts).
 */
#pragma once
#include "elementwise.cuh"

typedef unsigned char Unit1;
typedef u16 Unit2;
typedef u32 Unit4;
typedef u64 Unit8;
typedef Vector<u32, 4> Unit16;

/** Copies `runs` runs of `length` units each, whose starts are `from_stride` and `to_stride` units apart. */
template <class Unit>
DEVICE void copy_runs(const Unit* from, Unit* to, long long runs, long long length, long long from_stride,
                      long long to_stride) {
  const long long count = runs * length;
  const bool small = count <= 0xffffffffLL;
  each<2>(
      count,
      [&](long long i) {
        const long long run = quotient(i, length, small);
        return from[run * from_stride + i - run * length];
      },
      [&](long long i, const Unit& unit) {
        const long long run = quotient(i, length, small);
        to[run * to_stride + i - run * length] = unit;
      });
}
