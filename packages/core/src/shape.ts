/** Shapes are plain arrays of whole numbers >= 1; a scalar has shape []. Tensors are dense and row-major. */
import { ShapeError } from './errors.ts';

export type Shape = readonly number[];

export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const dimension of shape) size *= dimension;
  return size;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dimension, i) => dimension === b[i]);
}

export function showShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** True when `suffix` equals the last dimensions of `shape` (a scalar is a suffix of everything). */
export function isSuffix(suffix: Shape, shape: Shape): boolean {
  const skip = shape.length - suffix.length;
  return skip >= 0 && suffix.every((dimension, i) => dimension === shape[skip + i]);
}

/** The shape seen as [rows, last]: all leading dimensions flattened. A scalar is [1, 1]. */
export function asRows(shape: Shape): { rows: number; width: number } {
  const width = shape.length === 0 ? 1 : shape[shape.length - 1]!;
  return { rows: sizeOf(shape) / width, width };
}

/** Elements before and after one axis: the shape seen as [before, shape[axis], after]. */
export function aroundAxis(shape: Shape, axis: number): { before: number; after: number } {
  return { before: sizeOf(shape.slice(0, axis)), after: sizeOf(shape.slice(axis + 1)) };
}

/** The axis from the front; a negative one counts from the end. Not checked: `infer` does that. */
export function axisFromFront(shape: Shape, axis: number): number {
  return axis < 0 ? axis + shape.length : axis;
}

export function requireShape(where: string, shape: Shape): void {
  for (const dimension of shape) {
    if (!Number.isInteger(dimension) || dimension < 1) {
      throw new ShapeError(where, `dimensions must be whole numbers of at least 1, got ${showShape(shape)}`);
    }
  }
}
