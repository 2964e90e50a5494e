/**
 * The gradient graph: values and the op applications that made them. It holds no device work; `backward` walks
 * it. A value is not a tensor: a reshaped or straight-through tensor shares the value of its source.
 */
import type { Type } from './device.ts';
import type { DType } from './dtype.ts';
import type { AnyOp } from './op.ts';
import type { Tensor } from './tensor.ts';

/** Something a gradient can flow to: the output of a node, or a parameter. */
export interface Value {
  /** Of its gradient, unless `grad` has another: that of the tensor that first had this value. */
  readonly dtype: DType;
  readonly node?: TapeNode;
  /** For a parameter: the tensor that its gradient is added into. */
  readonly grad?: Tensor;
  /** For a view over several parameters: theirs. Its gradient is wanted when theirs are. */
  readonly parts?: readonly Value[];
}

/** One application of an op that the tape remembers. */
export interface TapeNode {
  readonly op: AnyOp;
  readonly attrs: unknown;
  /** Creation order, so that a reverse sweep needs no search. */
  readonly order: number;
  readonly inputs: ReadonlyMap<string, Value>;
  readonly outputs: ReadonlyMap<string, Value>;
  readonly types: Readonly<Record<string, Type>>;
  /** Claims on what the gradient rule needs; undefined once released. */
  saved: Record<string, Tensor> | undefined;
}

/** Lets go of what a node saved; harmless when done already. */
export function releaseNode(node: TapeNode): void {
  if (!node.saved) return;
  for (const tensor of Object.values(node.saved)) tensor.dispose();
  node.saved = undefined;
}
