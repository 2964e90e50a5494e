/**
 * How an op becomes work on the GPU. Launch code turns views and attributes into kernel launches and matrix products; they
 * are enqueued at once, in order, on the device's one stream. It reads no tensor and waits for nothing.
 */
import type { AnyOp, Inputs, Op, View } from '@qsparse/core';
import type { KernelArguments, KernelName } from './generated/kernel-arguments.ts';
import type { GemmPlan } from './matmul/plan.ts';

/** Blocks in x, y and z; missing ones are 1. */
export type Grid = readonly [x: number, y?: number, z?: number];

export interface LaunchOptions {
  /** Threads of a block; default: what KERNEL() declares. */
  readonly threads?: number;
  /** Bytes of dynamic shared memory. Default 0. */
  readonly shared?: number;
  /**
   * Blocks may be there before the launch in front has ended, and wait for it: short launches then follow each other
   * without a pause. Default false: the last blocks of long launches are not in each other's way.
   */
  readonly early?: boolean;
}

export interface LaunchContext {
  /** Streaming multiprocessors of the device. */
  readonly multiprocessors: number;
  /** 10 · major + minor, such as 90 for an H100. */
  readonly computeCapability: number;
  /** Enqueues a kernel of src/kernels by the name in KERNEL(). Pointers are addresses from `at` or `temporary`. */
  launch<K extends KernelName>(
    kernel: K,
    args: KernelArguments<K>,
    grid: Grid,
    options?: LaunchOptions,
  ): void;
  /** Enqueues a dense matrix product through cuBLASLt. False where it is absent or takes no such shape. */
  gemm(plan: GemmPlan, addresses: GemmAddresses): boolean;
  /** Address of memory that is valid for this op's own launches. Content undefined; a multiple of 256. */
  temporary(bytes: number): number;
  /**
   * Address of `count` u32 zeros (COUNTERS at most), the same for every launch of the device: who changes them leaves zeros.
   * Launches of one stream come one after the other, so that none sees another's.
   */
  counters(count: number): number;
}

/** Device addresses of a product's operands; `c` may equal `d`. */
export interface GemmAddresses {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

/** Launch code with its types erased, as the device keeps it. */
export interface CudaKernel {
  readonly op: AnyOp;
  launch(ins: never, outs: never, attrs: never, context: LaunchContext): void;
}

/** Ties launch code to its op. */
export function cudaKernel<I extends string, O extends string, A, J extends string>(
  op: Op<I, O, A, J>,
  launch: (
    ins: Inputs<View, I, J>,
    outs: Readonly<Record<O, View>>,
    attrs: A,
    context: LaunchContext,
  ) => void,
): CudaKernel {
  return { op, launch };
}

/** Device address of a view; 0 for an absent one. */
export function at(view: View | undefined): number {
  return view ? view.slot + view.offset : 0;
}
