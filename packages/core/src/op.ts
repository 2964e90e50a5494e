/**
 * The contract of an op: types, meaning, gradient; one op, one file. `infer` holds every check and every error
 * text; `reference` is the meaning in plain float64 loops; `vjp` names all that the tape keeps alive; a fused
 * op has a `composite` that it must equal and that runs where a device has no kernel for it.
 *
 * I: required inputs, O: outputs, A: attributes (plain data), J: optional inputs.
 */
import type { Type } from './device.ts';
import type { Tensor } from './tensor.ts';

export type Inputs<T, I extends string, J extends string> = Readonly<
  Record<I, T> & Partial<Record<J, T | undefined>>
>;

export interface Op<I extends string, O extends string, A, J extends string = never> {
  /** Also the base name of its kernel file in every backend. */
  readonly name: string;
  /** Types of the outputs. Throws a typed error for anything the op does not take. */
  infer(ins: Inputs<Type, I, J>, attrs: A): Record<O, Type>;
  /**
   * Writes `outs` (never reads them, except those that `inPlace` ties to an input). Elements of every dtype
   * come as float64 values; ternary as -1, 0, 1.
   */
  reference(
    ins: Inputs<Float64Array, I, J>,
    outs: Readonly<Record<O, Float64Array>>,
    attrs: A,
    types: Inputs<Type, I, J> & Readonly<Record<O, Type>>,
  ): void;
  /** True for ops that only move or convert elements: they take dtypes that the device does not compute in. */
  readonly moves?: true;
  /** Inputs whose dtype is only how they are stored, whatever the device computes in: the op converts what it reads. */
  readonly stored?: readonly (I | J)[];
  /** Outputs that are written into an optional or required input, when that input is given. */
  readonly inPlace?: Partial<Record<O, I | J>>;
  /** Inputs that the op changes (optimizer state, caches). Such an op is never on the tape. */
  readonly mutates?: readonly (I | J)[];
  readonly vjp?: Vjp<I, O, A, J>;
  /** Absent for a primitive. Returns every output that `vjp` saves. */
  composite?(ins: Inputs<Tensor, I, J>, attrs: A): Record<O, Tensor>;
}

/** An op that a device may leave to its parts. Declared so that a table of kernels can tell it from a primitive. */
export interface FusedOp<I extends string, O extends string, A, J extends string = never>
  extends Op<I, O, A, J> {
  composite(ins: Inputs<Tensor, I, J>, attrs: A): Record<O, Tensor>;
}

/**
 * `identity`: the gradient of that input is the gradient of the first output, element by element; nothing runs and
 * nothing is saved (straight-through estimators). Where their dtypes differ, the gradient is converted, or added as it
 * is into the f32 gradient of a parameter.
 */
export type Vjp<I extends string, O extends string, A, J extends string> =
  | { readonly identity: I }
  | {
      /**
       * Every tensor that the tape keeps alive for `pull`, and no other; a function of the attributes where one
       * op stands for several formulas.
       */
      readonly save: readonly (I | O | J)[] | ((attrs: A) => readonly (I | O | J)[]);
      pull(context: Pull<I, O, A, J>): Partial<Record<I | J, Tensor>>;
    };

/** What a gradient rule sees. */
export interface Pull<I extends string, O extends string, A, J extends string> {
  /** Gradients of the outputs, in their dtypes; absent when nothing downstream used that output. */
  readonly d: Readonly<Partial<Record<O, Tensor>>>;
  /** The tensors named in `save`. */
  readonly saved: Readonly<Partial<Record<I | O | J, Tensor>>>;
  readonly types: Readonly<Record<I | O, Type> & Partial<Record<J, Type>>>;
  readonly attrs: A;
  /** Whether a gradient of this input is wanted at all. */
  needs(input: I | J): boolean;
  /**
   * A tensor that already holds a gradient of this input and may be added to in place; of the input's dtype, or f32.
   * A rule that can accumulate (a GEMM with beta = 1) adds into it and returns it; any other ignores it.
   */
  into(input: I | J): Tensor | undefined;
  /** The saved tensor when the tape is its only owner, so that the rule may overwrite it. */
  takeOver(name: I | O | J): Tensor | undefined;
}

/** An op whose names and attributes are not known statically: what registries and devices handle. */
// biome-ignore lint/suspicious/noExplicitAny: variance; only `runtime` code looks inside
export type AnyOp = Op<any, any, any, any>;
