/**
 * Tensor-core pieces of compute capability 8.0 and up, for one warp: matrix loads from shared memory, the 16 x 8 x 16
 * product of bf16 with float32 sums, asynchronous 16-byte copies. Layouts as in the PTX manual, "mma.m16n8k16".
 */
#pragma once
#include "device.cuh"

#ifdef QSPARSE_EMULATED
#include "emulated-tensor-core.h"
#elif HAS_TENSOR_CORES

DEVICE u32 shared_address(const void* pointer) { return static_cast<u32>(__cvta_generic_to_shared(pointer)); }

/** d [16, 8] += a [16, 16] · b [16, 8]. Lane l holds rows l / 4 and l / 4 + 8 of d, columns 2 (l % 4) and the next. */
DEVICE void mma_bf16(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/** Four 8 x 8 matrices of 16-bit elements; lane l gives the address of row l % 8 of matrix l / 8. */
DEVICE void load_matrices(u32 (&to)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(shared_address(row)));
}
/** The same, each matrix transposed. */
DEVICE void load_matrices_transposed(u32 (&to)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(shared_address(row)));
}

/** Copies 16 bytes from global to shared memory in the background, or writes zeros where `valid` is false. */
DEVICE void copy_async(void* to, const void* from, bool valid) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from), "r"(valid ? 16 : 0)
               : "memory");
}
DEVICE void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
/** Waits until at most `GROUPS` of this thread's groups of copies are under way. A barrier must follow. */
template <int GROUPS>
DEVICE void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(GROUPS) : "memory");
}
#endif
