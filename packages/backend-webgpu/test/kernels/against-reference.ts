/** One op on a device against the same op on the reference device, for sizes and forms that the conformance suite does not reach. */
import {
  type AnyOp,
  type Device,
  normal,
  run,
  type Shape,
  section,
  sizeOf,
  type Tensor,
  tensor,
} from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect } from 'vitest';

export interface Numbers {
  readonly shape: Shape;
  readonly elements: Float32Array | Float64Array;
  readonly dtype: 'f32' | 'bf16' | 'i32' | 'i8';
}

/** Standard normal numbers times `scale` that depend on the seed alone. */
export function normals(seed: number, shape: Shape, scale = 1): Numbers {
  const elements = normal(seed, 1, sizeOf(shape)).map((x) => Math.fround(scale * x));
  return { shape, elements, dtype: 'f32' };
}

export function wholes(shape: Shape, of: (i: number) => number): Numbers {
  return { shape, elements: Float64Array.from({ length: sizeOf(shape) }, (_, i) => of(i)), dtype: 'i32' };
}

export interface OpCase {
  readonly op: AnyOp;
  readonly ins: Readonly<Record<string, Numbers>>;
  readonly attrs?: unknown;
  /** Elements by which every input is out of alignment. Default 0. */
  readonly shift?: number;
}

/** Outputs, and what the op changes. */
export async function resultsOn(
  device: Device,
  { op, ins, attrs = null, shift = 0 }: OpCase,
): Promise<Record<string, ArrayLike<number>>> {
  const made: Tensor[] = [];
  const place = ({ shape, elements, dtype }: Numbers): Tensor => {
    const all = new Float64Array(elements.length + shift);
    all.set(elements, shift);
    const whole = tensor(device, all, [all.length], dtype);
    const part = section(whole, shift, shape);
    made.push(whole, part);
    return part;
  };
  const tensors = Object.fromEntries(Object.entries(ins).map(([name, numbers]) => [name, place(numbers)]));
  const outs = run(op, tensors, attrs) as Record<string, Tensor>;
  const changed = Object.fromEntries(
    (op.mutates ?? []).map((name) => [name as string, tensors[name as string]!]),
  );
  const results: Record<string, ArrayLike<number>> = {};
  for (const [name, one] of Object.entries({ ...changed, ...outs }))
    results[name] = (await one.data()).slice();
  for (const one of new Set([...made, ...Object.values(outs)])) one.dispose();
  return results;
}

/** Every element is within `tolerance` of the reference, as a share of itself and of the largest one. */
export async function expectLikeReference(device: Device, opCase: OpCase, tolerance = 2e-6): Promise<void> {
  const expected = await resultsOn(referenceDevice(), opCase);
  const got = await resultsOn(device, opCase);
  for (const [name, elements] of Object.entries(expected)) {
    expect(worstExcess(got[name]!, elements, tolerance), name).toBeLessThanOrEqual(1);
  }
}

function worstExcess(got: ArrayLike<number>, expected: ArrayLike<number>, allowed: number): number {
  if (got.length !== expected.length) return Number.NaN;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    if (Number.isFinite(expected[i])) largest = Math.max(largest, Math.abs(expected[i]!));
  }
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const [is, must] = [got[i]!, expected[i]!];
    if (is === must || (Number.isNaN(is) && Number.isNaN(must))) continue;
    const error = Math.abs(is - must) / (allowed * (Math.abs(must) + largest) + 1e-30);
    worst = Number.isFinite(error) ? Math.max(worst, error) : Number.POSITIVE_INFINITY;
  }
  return worst;
}
