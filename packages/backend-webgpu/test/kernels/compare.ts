/** Runs an op on a device and on the reference, for sizes that the conformance suite has not. */
import { type AnyOp, type Device, normal, type Shape, sizeOf } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect } from 'vitest';
import { type Numbers, resultsOn } from './against-reference.ts';

export type Inputs = Readonly<Record<string, Numbers>>;

let stream = 0;

/** Normal numbers, others on every call, the same on every run. */
export function drawn(shape: Shape, scale = 1): Numbers {
  const elements = Float32Array.from(normal(11, stream++, sizeOf(shape)), (number) => scale * number);
  return { shape, elements, dtype: 'f32' };
}

export function filled(shape: Shape, of: (i: number) => number): Numbers {
  const elements = Float32Array.from({ length: sizeOf(shape) }, (_, i) => of(i));
  return { shape, elements, dtype: 'f32' };
}

/** Every output, and every input that the op changes, within `accuracy` of the largest number that is expected there. */
export async function expectLike(
  device: Device,
  op: AnyOp,
  ins: Inputs,
  attrs: unknown,
  { accuracy = 2e-6, shift = 0 }: { readonly accuracy?: number; readonly shift?: number } = {},
): Promise<void> {
  const reference = referenceDevice();
  const expected = await resultsOn(reference, { op, ins, attrs });
  const got = await resultsOn(device, { op, ins, attrs, shift });
  for (const [name, wanted] of Object.entries(expected)) {
    expect(got[name]!.length, name).toBe(wanted.length);
    let largest = 0;
    let [worst, at] = [0, 0];
    for (let i = 0; i < wanted.length; i++) {
      if (Number.isNaN(wanted[i]) && Number.isNaN(got[name]![i])) continue;
      largest = Math.max(largest, Math.abs(wanted[i]!));
      const off = Math.abs(got[name]![i]! - wanted[i]!);
      if (!(off <= worst)) [worst, at] = [off, i];
    }
    const what = `${op.name}: ${name}[${at}] is ${got[name]![at]}, expected ${wanted[at]}`;
    expect(worst, what).toBeLessThanOrEqual(accuracy * largest);
  }
  reference.dispose();
}
