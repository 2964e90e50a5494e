/** Runs an op on a device and on the reference, for sizes that the conformance suite has not. */
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

export interface Input {
  readonly shape: Shape;
  readonly elements: Float32Array;
}

export type Inputs = Readonly<Record<string, Input>>;

let stream = 0;

/** Normal numbers, others on every call, the same on every run. */
export function drawn(shape: Shape, scale = 1): Input {
  const elements = Float32Array.from(normal(11, stream++, sizeOf(shape)), (number) => scale * number);
  return { shape, elements };
}

export function filled(shape: Shape, of: (i: number) => number): Input {
  return { shape, elements: Float32Array.from({ length: sizeOf(shape) }, (_, i) => of(i)) };
}

/** `shift`: elements by which the tensor is out of alignment. */
function placed(device: Device, { shape, elements }: Input, shift: number): Tensor {
  const padded = new Float32Array(shift + elements.length);
  padded.set(elements, shift);
  return section(tensor(device, padded), shift, shape);
}

async function results(
  device: Device,
  op: AnyOp,
  ins: Inputs,
  attrs: unknown,
  shift: number,
): Promise<Record<string, ArrayLike<number>>> {
  const tensors = Object.fromEntries(
    Object.entries(ins).map(([name, input]) => [name, placed(device, input, shift)]),
  );
  const outs = run(op, tensors, attrs) as Record<string, Tensor>;
  const changed = Object.fromEntries(Object.entries(tensors).filter(([name]) => op.mutates?.includes(name)));
  const all = Object.entries({ ...changed, ...outs });
  return Object.fromEntries(await Promise.all(all.map(async ([name, out]) => [name, await out.data()])));
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
  const expected = await results(reference, op, ins, attrs, 0);
  const got = await results(device, op, ins, attrs, shift);
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
