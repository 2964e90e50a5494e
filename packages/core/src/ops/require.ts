/** Checks that several op specs share, each with the op's name in its message. */
import type { Type } from '../device.ts';
import { DTypeError, ShapeError, TapeError, ValueError } from '../errors.ts';
import { type Shape, sameShape, showShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';

/** Every given input is f32 or bf16, all alike. Returns that dtype. */
export function requireFloat(where: string, ins: Readonly<Record<string, Type | undefined>>): 'f32' | 'bf16' {
  let first: [string, Type] | undefined;
  for (const [name, type] of Object.entries(ins)) {
    if (!type) continue;
    if (type.dtype !== 'f32' && type.dtype !== 'bf16') {
      throw new DTypeError(where, `${name} must be f32 or bf16, got ${type.dtype}`, 'use cast()');
    }
    first ??= [name, type];
    if (type.dtype !== first[1].dtype) {
      throw new DTypeError(
        where,
        `inputs must have one dtype, ${first[0]} is ${first[1].dtype} and ${name} is ${type.dtype}`,
        'use cast()',
      );
    }
  }
  return first![1].dtype as 'f32' | 'bf16';
}

/** A weight or a running sum: f32, or `dtype`, that of what it is used with. */
export function requireF32Or(
  where: string,
  name: string,
  type: Type | undefined,
  dtype: Type['dtype'],
): void {
  if (!type || type.dtype === 'f32' || type.dtype === dtype) return;
  const allowed = dtype === 'f32' ? 'f32' : `f32 or ${dtype}`;
  throw new DTypeError(where, `${name} must be ${allowed}, got ${type.dtype}`, 'use cast()');
}

export function requireDType(where: string, name: string, type: Type, dtype: Type['dtype']): void {
  if (type.dtype !== dtype) throw new DTypeError(where, `${name} must be ${dtype}, got ${type.dtype}`);
}

export function requireSameShape(where: string, name: string, shape: Shape, expected: Shape): void {
  if (!sameShape(shape, expected)) {
    throw new ShapeError(where, `${name} must have shape ${showShape(expected)}, got ${showShape(shape)}`);
  }
}

export function requireRank(where: string, name: string, shape: Shape, atLeast: number): void {
  if (shape.length < atLeast) {
    throw new ShapeError(where, `${name} needs at least ${atLeast} dimensions, got ${showShape(shape)}`);
  }
}

/**
 * An optional start position: one whole number on the device, so that a captured step can move it, or one for each of
 * the `batch` rows.
 */
export function requirePosition(where: string, position: Type | undefined, batch: number): void {
  if (!position) return;
  requireDType(where, 'position', position, 'i32');
  if (sameShape(position.shape, [1]) || sameShape(position.shape, [batch])) return;
  const allowed = batch === 1 ? '[1]' : `[1] or [${batch}], one for each row of the batch`;
  throw new ShapeError(where, `position must have shape ${allowed}, got ${showShape(position.shape)}`);
}

/** That of row `b`, as `requirePosition` allows it; `absent` without one. */
export function positionOf(position: Float64Array | undefined, b: number, absent: number): number {
  return position ? position[position.length === 1 ? 0 : b]! : absent;
}

/** For kernels, which find the position of row b at `position[b * step]`: 1 where each row has its own, else 0. */
export const positionStep = (position: Type | undefined): 0 | 1 =>
  position && position.shape[0]! > 1 ? 1 : 0;

/** The optional first key that each of the queries may see: i32 [batch, queries]. */
export function requireFirst(where: string, first: Type | undefined, batch: number, queries: number): void {
  if (!first) return;
  requireDType(where, 'first', first, 'i32');
  requireSameShape(where, 'first', first.shape, [batch, queries]);
}

export function requireWholeNumber(where: string, name: string, value: number, atLeast: number): void {
  if (!Number.isInteger(value) || value < atLeast) {
    throw new ValueError(where, `${name} must be a whole number of at least ${atLeast}, got ${value}`);
  }
}

export function requireFinite(where: string, name: string, value: number): void {
  if (!Number.isFinite(value)) throw new ValueError(where, `${name} must be finite, got ${value}`);
}

/** The gradient of the one output that has a rule; one of any other output is an error, never dropped. */
export function onlyGradient<O extends string>(
  where: string,
  d: Readonly<Partial<Record<O, Tensor>>>,
  output: O,
): Tensor {
  for (const name of Object.keys(d)) {
    if (name !== output) {
      throw new TapeError(
        where,
        `${name} has no gradient rule, only ${output} has`,
        `build the loss from ${output}`,
      );
    }
  }
  return d[output]!;
}

/** Data movement takes every dtype of whole bytes, but not packed ones. */
export function requireUnpacked(where: string, name: string, type: Type): void {
  if (type.dtype === 'ternary') {
    throw new DTypeError(where, `${name} must not be packed, got ternary`, 'unpack it first');
  }
}

export function requireAxis(where: string, axis: number, shape: Shape): void {
  if (!Number.isInteger(axis) || axis < 0 || axis >= shape.length) {
    throw new ShapeError(where, `axis must name a dimension of ${showShape(shape)}, got ${axis}`);
  }
}
