/** Checks that several op specs share, each with the op's name in its message. */
import type { Type } from '../device.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { type Shape, sameShape, showShape } from '../shape.ts';

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
