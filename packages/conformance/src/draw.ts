/**
 * Numbers for cases: the same on every run and every machine, since they come from core's counter-based generator.
 * Each call takes a stream of its own. Floats are rounded to the dtype, so that every device starts from equal inputs.
 */
import {
  type AnyOp,
  fromBf16Bits,
  normal,
  type Shape,
  showShape,
  sizeOf,
  type Type,
  toBf16Bits,
  uniform,
} from '@qsparse/core';
import type { Values } from './op-case.ts';

export type FloatDType = 'f32' | 'bf16';

export class Draw {
  /** Of the inputs that an op computes with. */
  readonly dtype: FloatDType;
  readonly #seed: number;
  #stream = 0;

  constructor(name: string, dtype: FloatDType) {
    this.dtype = dtype;
    this.#seed = [...name].reduce((hash, letter) => (hash * 31 + letter.charCodeAt(0)) % 2 ** 31, 7);
  }

  /** shift + scale · standard normal numbers. */
  normal(
    shape: Shape,
    { scale = 1, shift = 0, dtype = this.dtype }: { scale?: number; shift?: number; dtype?: FloatDType } = {},
  ): Values {
    const numbers = normal(this.#seed, this.#stream++, sizeOf(shape));
    return this.floats(
      shape,
      numbers.map((number) => shift + scale * number),
      dtype,
    );
  }

  /** Uniform in [low, high). */
  uniform(shape: Shape, low: number, high: number, dtype: FloatDType = this.dtype): Values {
    const numbers = Float64Array.from(uniform(this.#seed, this.#stream++, sizeOf(shape)));
    return this.floats(
      shape,
      numbers.map((number) => low + (high - low) * number),
      dtype,
    );
  }

  /** Of either sign, at least 0.1 away from 0: safe to divide by, and on one side of every kink. */
  awayFromZero(shape: Shape): Values {
    const { elements } = this.normal(shape);
    return this.floats(
      shape,
      elements.map((element) => (element < 0 ? -0.1 : 0.1) + element),
    );
  }

  /** Given numbers, rounded to the dtype and repeated to fill the shape. */
  floats(shape: Shape, numbers: ArrayLike<number>, dtype: FloatDType = this.dtype): Values {
    const round = dtype === 'f32' ? Math.fround : (number: number) => fromBf16Bits(toBf16Bits(number));
    const elements = Float64Array.from({ length: sizeOf(shape) }, (_, i) =>
      round(numbers[i % numbers.length]!),
    );
    return { dtype, shape, elements };
  }

  /** Whole numbers in [low, high). */
  whole(shape: Shape, low: number, high: number): Values {
    const { elements } = this.uniform(shape, low, high, 'f32');
    return this.wholes(
      shape,
      elements.map((element) => Math.min(Math.floor(element), high - 1)),
    );
  }

  /** Given whole numbers, repeated to fill the shape. */
  wholes(shape: Shape, numbers: ArrayLike<number>, dtype: 'i32' | 'i8' = 'i32'): Values {
    const elements = Float64Array.from({ length: sizeOf(shape) }, (_, i) => numbers[i % numbers.length]!);
    return { dtype, shape, elements };
  }

  /** As `position` inputs take it: one number, or one for each row of the batch. */
  position(at: number | readonly number[]): Values {
    const numbers = typeof at === 'number' ? [at] : at;
    return this.wholes([numbers.length], numbers);
  }
}

/** The named outputs of an op's reference, for the inputs of its backward op. */
export function forward(
  op: AnyOp,
  ins: Readonly<Record<string, Values>>,
  attrs: unknown,
): Record<string, Values> {
  const types = op.infer(ins, attrs) as Record<string, Type>;
  const outs = Object.fromEntries(
    Object.entries(types).map(([name, { shape }]) => [name, new Float64Array(sizeOf(shape))]),
  );
  const elements = Object.fromEntries(Object.entries(ins).map(([name, values]) => [name, values.elements]));
  op.reference(elements, outs, attrs, { ...ins, ...types });
  return Object.fromEntries(
    Object.entries(types).map(([name, { dtype, shape }]) => {
      const round = dtype === 'bf16' ? (x: number) => fromBf16Bits(toBf16Bits(x)) : Math.fround;
      return [name, { dtype: dtype as FloatDType, shape, elements: outs[name]!.map(round) }];
    }),
  );
}

/** Numbers that break careless kernels. */
export const SPECIAL: readonly number[] = [
  0,
  -0,
  1,
  -1,
  NaN,
  Infinity,
  -Infinity,
  1e-40,
  -1e-40,
  3e38,
  -3e38,
];

/** Names a case by the shapes of its inputs. */
export const shapes = (...all: readonly Shape[]): string => all.map(showShape).join(' ');
