/**
 * What a case is: an op, its inputs as plain numbers, its attributes, and how near a device must come. Cases know
 * no device; checks run them.
 */
import type { AnyOp, DType, Inputs, Op, Shape } from '@qsparse/core';
import type { Draw } from './draw.ts';
import type { Accuracy } from './tolerance.ts';

/** Elements of a tensor, each one exactly representable in `dtype`. */
export interface Values {
  readonly dtype: Exclude<DType, 'ternary'>;
  readonly shape: Shape;
  readonly elements: Float64Array;
}

export interface OpCase<I extends string, O extends string, A, J extends string = never> {
  /** Unique among the cases of its op. */
  readonly name: string;
  readonly ins: Inputs<Values, I, J>;
  readonly attrs: A;
  /** How near outputs must come; absent: the default of the dtype. */
  readonly accuracy?: Accuracy | undefined;
  /** Set where float32 overflows on the way to a gradient that float64 has: gradients are not compared. */
  readonly forwardOnly?: boolean;
  /** Outputs that a composite defines differently, with the reason in a comment beside it. */
  readonly notInComposite?: readonly O[];
  /** Inputs that are the very tensor of another input. */
  readonly shares?: Readonly<Partial<Record<I | J, I | J>>>;
}

/** Elements of all inputs from which on a case is there for the sake of its size: such a one is drawn in f32 only. */
export const ONLY_LARGE = 6000;

/** The cases of one op, in number and order the same for every `draw`, which gives numbers that depend on the op's name alone. */
export type CaseList<T> =
  T extends Op<infer I, infer O, infer A, infer J> ? (draw: Draw) => readonly OpCase<I, O, A, J>[] : never;

/** A case with its op, names and attributes not known statically. */
export interface AnyCase {
  readonly op: AnyOp;
  readonly name: string;
  /** Whether it computes in bf16, also beside f32, which not every device does. */
  readonly bf16: boolean;
  readonly ins: Readonly<Record<string, Values>>;
  readonly attrs: unknown;
  readonly accuracy?: Accuracy | undefined;
  readonly forwardOnly?: boolean;
  readonly notInComposite?: readonly string[];
  readonly shares?: Readonly<Record<string, string>>;
}
