/** The tensor-core pieces of src/kernels/tensor-core.cuh, computed by the emulator for one warp at a time. */
#pragma once

DEVICE void mma_bf16(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
  // Copies, so that the caller's registers do not escape to memory that is checked.
  float sums[4] = {d[0], d[1], d[2], d[3]};
  const u32 left[4] = {a[0], a[1], a[2], a[3]};
  const u32 right[2] = {b[0], b[1]};
  emulated::multiply_bf16(sums, left, right);
  for (int i = 0; i < 4; i++) d[i] = sums[i];
}

DEVICE void load_matrices(u32 (&to)[4], const void* row) {
  u32 loaded[4];
  emulated::load_matrices(loaded, row, false);
  for (int i = 0; i < 4; i++) to[i] = loaded[i];
}
DEVICE void load_matrices_transposed(u32 (&to)[4], const void* row) {
  u32 loaded[4];
  emulated::load_matrices(loaded, row, true);
  for (int i = 0; i < 4; i++) to[i] = loaded[i];
}

DEVICE void copy_async(void* to, const void* from, bool valid) { emulated::copy_async(to, from, valid); }
DEVICE void commit_copies() { emulated::commit_copies(); }
template <int GROUPS>
DEVICE void wait_for_copies() {
  emulated::wait_for_copies(GROUPS);
}
