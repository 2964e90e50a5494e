/**
 * One op on the emulated device against its float64 reference, for sizes that the conformance suite does not reach: loops
 * over many blocks, vectors, sums in several launches.
 */
import {
  type AnyOp,
  asView,
  empty,
  fromBf16Bits,
  normal,
  type Shape,
  section,
  sizeOf,
  type Tensor,
  type Type,
  toBf16Bits,
  write,
} from '@qsparse/core';
import { expect } from 'vitest';
import type { CudaDevice } from '../../src/index.ts';
import { emulatedDevice } from '../emulated-device.ts';
import { openControl } from '../matmul/emulated-gemm.ts';

export type Float = 'f32' | 'bf16';

export interface Values extends Type {
  readonly elements: Float64Array;
}

export interface KernelCase {
  readonly op: AnyOp;
  readonly ins: Readonly<Record<string, Values>>;
  readonly attrs?: unknown;
  /** Elements by which every tensor is out of alignment. Default 0. */
  readonly shift?: number;
  /** Inputs that are the very tensor of another. */
  readonly shares?: Readonly<Record<string, string>>;
  /** Share of an element, and of the largest one, that a result may be off; default: that of its dtype. */
  readonly tolerance?: number;
}

const TOLERANCE: Readonly<Record<string, number>> = { f32: 2e-6, bf16: 2 ** -8 };

export function floats(shape: Shape, numbers: (i: number) => number, dtype: Float = 'f32'): Values {
  const round = dtype === 'f32' ? Math.fround : (x: number) => fromBf16Bits(toBf16Bits(x));
  return {
    dtype,
    shape,
    elements: Float64Array.from({ length: sizeOf(shape) }, (_, i) => round(numbers(i))),
  };
}

/** shift + scale · standard normal numbers that depend on the seed alone. */
export function normals(
  seed: number,
  shape: Shape,
  dtype: Float = 'f32',
  { scale = 1, shift = 0 } = {},
): Values {
  const numbers = normal(seed, 1, sizeOf(shape));
  return floats(shape, (i) => shift + scale * numbers[i]!, dtype);
}

export function wholes(shape: Shape, numbers: (i: number) => number): Values {
  return {
    dtype: 'i32',
    shape,
    elements: Float64Array.from({ length: sizeOf(shape) }, (_, i) => numbers(i)),
  };
}

/** A device of one multiprocessor, so that loops over more elements than there are threads are short. */
export async function smallDevice(): Promise<CudaDevice> {
  const control = openControl();
  control.set('MULTIPROCESSORS', '1');
  try {
    return await emulatedDevice();
  } finally {
    control.set('MULTIPROCESSORS', '4');
  }
}

/** Outputs, and the inputs that the op writes to, as the device gives them. Outputs start as NaN. */
export async function outputsOn(
  device: CudaDevice,
  { op, ins, attrs = null, shift = 0, shares = {} }: KernelCase,
): Promise<Record<string, ArrayLike<number>>> {
  const made: Tensor[] = [];
  const place = ({ dtype, shape }: Type, elements?: Float64Array): Tensor => {
    const whole = empty(device, dtype, [sizeOf(shape) + shift]);
    const all = new Float64Array(whole.size).fill(dtype === 'f32' || dtype === 'bf16' ? Number.NaN : -55);
    if (elements) all.set(elements, shift);
    write(whole, all);
    const tensor = section(whole, shift, shape);
    made.push(whole, tensor);
    return tensor;
  };
  const tensors: Record<string, Tensor> = {};
  for (const [name, values] of Object.entries(ins)) tensors[name] = place(values, values.elements);
  for (const [name, other] of Object.entries(shares)) tensors[name] = tensors[other]!;
  const inPlace = (op.inPlace ?? {}) as Record<string, string>;
  const outs: Record<string, Tensor> = {};
  for (const [name, type] of Object.entries(op.infer(tensors, attrs) as Record<string, Type>))
    outs[name] = tensors[inPlace[name] ?? ''] ?? place(type);
  const kernel = device.kernel(op);
  if (!kernel) throw new Error(`there is no kernel for ${op.name}`);
  const views = (all: Record<string, Tensor>) =>
    Object.fromEntries(Object.entries(all).map(([name, tensor]) => [name, asView(tensor)]));
  kernel(views(tensors), views(outs), attrs as never);
  const changed = Object.fromEntries(
    (op.mutates ?? []).map((name) => [name as string, tensors[name as string]!]),
  );
  const results: Record<string, ArrayLike<number>> = {};
  for (const [name, tensor] of Object.entries({ ...changed, ...outs })) results[name] = await tensor.data();
  for (const tensor of made) tensor.dispose();
  return results;
}

/** The same from the op's reference, unrounded, with the dtypes. */
function referenceOutputs({ op, ins, attrs = null, shares = {} }: KernelCase): Record<string, Values> {
  const types: Record<string, Type> = { ...ins };
  const elements = Object.fromEntries(
    Object.entries(ins).map(([name, values]) => [name, values.elements.slice()]),
  );
  for (const [name, other] of Object.entries(shares)) {
    types[name] = types[other]!;
    elements[name] = elements[other]!.slice();
  }
  const outTypes = op.infer(types, attrs) as Record<string, Type>;
  const outs = Object.fromEntries(
    Object.entries(outTypes).map(([name, { shape }]) => [name, new Float64Array(sizeOf(shape))]),
  );
  op.reference(elements, outs, attrs, { ...types, ...outTypes });
  const all = {
    ...Object.fromEntries((op.mutates ?? []).map((name) => [name, types[name as string]!])),
    ...outTypes,
  };
  return Object.fromEntries(
    Object.entries(all).map(([name, type]) => [
      name,
      { ...(type as Type), elements: outs[name] ?? elements[name]! },
    ]),
  );
}

/** Every element is near, NaN where it must be and nowhere else. */
export async function expectLikeReference(device: CudaDevice, kernelCase: KernelCase): Promise<void> {
  const got = await outputsOn(device, kernelCase);
  for (const [name, { dtype, elements }] of Object.entries(referenceOutputs(kernelCase))) {
    const allowed = kernelCase.tolerance ?? TOLERANCE[dtype] ?? 0;
    expect(worstExcess(got[name]!, elements, allowed), name).toBeLessThanOrEqual(1);
  }
}

/** The largest error as a multiple of what is allowed. */
function worstExcess(got: ArrayLike<number>, expected: Float64Array, allowed: number): number {
  if (got.length !== expected.length) return Number.NaN;
  const largest = expected.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 0);
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const [is, must] = [got[i]!, expected[i]!];
    if (is === must || (Number.isNaN(is) && Number.isNaN(must))) continue;
    const error = Math.abs(is - must) / (allowed * (Math.abs(must) + largest) + 1e-30);
    worst = Number.isNaN(error) || !Number.isFinite(must) ? Number.POSITIVE_INFINITY : Math.max(worst, error);
  }
  return worst;
}

/** The same bits whichever thread and block comes first. */
export async function expectSameInAnyOrder(device: CudaDevice, kernelCase: KernelCase): Promise<void> {
  const control = openControl();
  const first = await outputsOn(device, kernelCase);
  try {
    for (const order of ['backwards', '1', '2']) {
      control.set('ORDER', order);
      const other = await outputsOn(device, kernelCase);
      for (const [name, elements] of Object.entries(other)) {
        expect(firstDifference(elements, first[name]!), `${name}, order ${order}`).toBe(-1);
      }
    }
  } finally {
    control.set('ORDER', 'forwards');
  }
}

function firstDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) if (!Object.is(a[i], b[i])) return i;
  return -1;
}
