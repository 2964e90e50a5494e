/**
 * How an op becomes work on the GPU. Launch code turns views and attributes into dispatches of WGSL kernels; they are
 * enqueued at once, in order. It reads no tensor and waits for nothing.
 */
import type { AnyOp, DType, Inputs, Op, View } from '@qsparse/core';
import type { Modules } from './generated/kernels.ts';
import type { Variant } from './variant.ts';

export type ModuleName = keyof Modules;

/** Workgroups in x, y and z. */
export type Grid = readonly [x: number, y: number, z: number];

/** Numbers of a module's `Arguments`, in camel case; what the runtime fills (`x_at`) is not among them. */
export type Arguments<M extends ModuleName> = Readonly<Record<Modules[M]['arguments'], number>>;

/** A view for each binding, by its name in WGSL. An absent one is bound to scratch memory. */
export type Bound<M extends ModuleName> = Readonly<Record<Modules[M]['bindings'], View | undefined>>;

/** Override constants by their names in WGSL; what is left out has its default. */
export type Overrides<M extends ModuleName> = Readonly<
  Partial<Record<Modules[M]['overrides'], number | boolean>>
>;

/** A view and how many of its elements belong to one item (a row, an element) of an op. */
export type Share = readonly [view: View | undefined, elementsPerItem: number];

/** Consecutive items of an op. */
export interface Range {
  readonly first: number;
  readonly count: number;
}

export interface LaunchContext {
  /** Chosen once per device. */
  readonly variant: Variant;
  /** True on software adapters, where barriers and workgroup memory are very slow. */
  readonly barrierFree: boolean;
  /** Bytes that one binding may have. */
  readonly maxBinding: number;
  /**
   * Enqueues a kernel. A binding's view may begin anywhere when the module has an argument `<binding>_at`, else at a
   * multiple of 256 bytes. An input in the buffer of an output is copied first; the same view twice must be bound once.
   */
  launch<M extends ModuleName>(
    module: M,
    entry: Modules[M]['entries'],
    tensors: Bound<M>,
    args: Arguments<M>,
    grid: Grid,
    overrides?: Overrides<M>,
  ): void;
  /** At least `workgroups` of them; the kernel's number is `group.x + group.y * groups.x`. */
  grid(workgroups: number): Grid;
  /** Memory for this op's own launches: whole words at the begin of a buffer, content undefined. Default dtype f32. */
  temporary(bytes: number, dtype?: DType): View;
  /** True when the view begins at a multiple of `bytes` in its buffer, and for an absent one. */
  isAligned(view: View | undefined, bytes: number): boolean;
  /** Flat views that together are `view`, each of which fits in one binding and holds a multiple of `multipleOf` elements. */
  sections(view: View, multipleOf: number): readonly View[];
  /** Cuts `count` items so that the part of each view that belongs to a range fits in one binding. */
  ranges(count: number, shares: readonly Share[]): readonly Range[];
  /** `elements` elements of a view from `first` on, as a flat view. */
  part(view: View, first: number, elements: number): View;
}

/** Launch code with its types erased, as the device keeps it. */
export interface WebGpuKernel {
  readonly op: AnyOp;
  launch(ins: never, outs: never, attrs: never, context: LaunchContext): void;
}

/** Ties launch code to its op. */
export function webGpuKernel<I extends string, O extends string, A, J extends string>(
  op: Op<I, O, A, J>,
  launch: (
    ins: Inputs<View, I, J>,
    outs: Readonly<Record<O, View>>,
    attrs: A,
    context: LaunchContext,
  ) => void,
): WebGpuKernel {
  return { op, launch };
}
