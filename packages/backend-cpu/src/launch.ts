/**
 * How an op becomes kernel launches on the CPU. Launch code is pure: views and attributes in, a list of kernels
 * with their arguments out; the device runs or records them. It does not touch memory.
 */
import type { AnyOp, Inputs, Op, View } from '@qsparse/core';
import type { KernelArguments, KernelName } from './runtime/memory.ts';

export interface Launch {
  /** KERNEL(name) in src/kernels. */
  readonly kernel: KernelName;
  readonly args: Readonly<Record<string, number>>;
  /** Too small to share: run on one thread and skip the hand-over. */
  readonly serial: boolean;
}

export interface LaunchContext {
  /** Address of memory that is valid until this op's launches have run. Content undefined. */
  temporary(bytes: number): number;
}

/** Launch code with its types erased, as the device keeps it. */
export interface CpuKernel {
  readonly op: AnyOp;
  launch(ins: never, outs: never, attrs: never, context: LaunchContext): readonly Launch[];
}

/** Ties launch code to its op. */
export function cpuKernel<I extends string, O extends string, A, J extends string>(
  op: Op<I, O, A, J>,
  launch: (
    ins: Inputs<View, I, J>,
    outs: Readonly<Record<O, View>>,
    attrs: A,
    context: LaunchContext,
  ) => readonly Launch[],
): CpuKernel {
  return { op, launch };
}

/**
 * One launch. `work` is a rough count of elementary operations: below about 20 microseconds of one thread, handing
 * over costs more than it gains.
 */
export function call<K extends KernelName>(kernel: K, args: KernelArguments<K>, work: number): Launch {
  return { kernel, args, serial: work < SERIAL_WORK };
}

/** Elementary f32 operations (4 a cycle) that one thread does while a second one is woken. */
const SERIAL_WORK = 16_384;

/** Byte address of a view in linear memory; 0 for an absent one. */
export function at(view: View | undefined): number {
  return view ? view.slot + view.offset : 0;
}
