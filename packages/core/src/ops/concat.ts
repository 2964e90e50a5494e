/** Tensors one after another along one axis. Never a kernel of its own: one copy-section for each. */
import type { Type } from '../device.ts';
import { DTypeError, ShapeError, ValueError } from '../errors.ts';
import type { FusedOp, Inputs } from '../op.ts';
import { run } from '../run.ts';
import { aroundAxis, axisFromFront, type Shape, showShape } from '../shape.ts';
import { empty, type Tensor } from '../tensor.ts';
import { copySection } from './copy-section.ts';
import { requireAxis, requireUnpacked } from './require.ts';
import { slice } from './slice.ts';

/** Inputs are named x0, x1, … */
export const concatOp: FusedOp<string, 'y', { readonly axis: number }> = {
  name: 'concat',
  moves: true,
  infer(ins, { axis }) {
    const [first, ...others] = inOrder<Type>(ins);
    requireUnpacked('concat', 'x0', first!);
    requireAxis('concat', axis, first!.shape);
    let length = first!.shape[axis]!;
    others.forEach((type, i) => {
      if (type.dtype !== first!.dtype) {
        throw new DTypeError(
          'concat',
          `inputs must have one dtype, x0 is ${first!.dtype} and x${i + 1} is ${type.dtype}`,
          'use cast()',
        );
      }
      if (!equalBut(axis, type.shape, first!.shape)) {
        throw new ShapeError(
          'concat',
          `shapes must be equal but for axis ${axis}, x0 is ${showShape(first!.shape)} and x${i + 1} is ${showShape(type.shape)}`,
        );
      }
      length += type.shape[axis]!;
    });
    return { y: { dtype: first!.dtype, shape: joined(first!.shape, axis, length) } };
  },
  reference(ins, { y }, { axis }, types) {
    const { before, after } = aroundAxis(types.y!.shape, axis);
    const stride = types.y!.shape[axis]! * after;
    let start = 0;
    inOrder<Float64Array>(ins).forEach((x, index) => {
      const run = types[`x${index}`]!.shape[axis]! * after;
      for (let i = 0; i < before; i++) y.set(x.subarray(i * run, (i + 1) * run), i * stride + start);
      start += run;
    });
  },
  vjp: {
    save: [],
    pull({ d, types, attrs: { axis }, needs }) {
      const pulled: Record<string, Tensor> = {};
      let start = 0;
      inOrder<Type>(types, 'y').forEach((type, i) => {
        const length = type.shape[axis]!;
        if (needs(`x${i}`)) pulled[`x${i}`] = slice(d.y!, axis, start, length);
        start += length;
      });
      return pulled;
    },
  },
  composite(ins, { axis }) {
    const parts = inOrder<Tensor>(ins);
    const length = parts.reduce((sum, part) => sum + part.shape[axis]!, 0);
    const y = empty(parts[0]!.device, parts[0]!.dtype, joined(parts[0]!.shape, axis, length));
    let start = 0;
    for (const part of parts) {
      copySection(y, part, axis, start);
      start += part.shape[axis]!;
    }
    return { y };
  },
};

function inOrder<T>(named: Inputs<T, string, never>, ...others: readonly string[]): T[] {
  const count = Object.keys(named).filter((name) => !others.includes(name)).length;
  return Array.from({ length: count }, (_, i) => named[`x${i}`]!);
}

function joined(shape: Shape, axis: number, length: number): Shape {
  return shape.map((dimension, i) => (i === axis ? length : dimension));
}

function equalBut(axis: number, a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dimension, i) => i === axis || dimension === b[i]);
}

/**
 * The tensors one after another along `axis` (negative: from the end), as new memory. One dtype, not ternary;
 * shapes equal but for that axis.
 */
export function concat(tensors: readonly Tensor[], axis: number): Tensor {
  const [first] = tensors;
  if (!first) throw new ValueError('concat', 'needs at least one tensor, got none');
  const named = Object.fromEntries(tensors.map((tensor, i) => [`x${i}`, tensor]));
  return run(concatOp, named, { axis: axisFromFront(first.shape, axis) }).y;
}
