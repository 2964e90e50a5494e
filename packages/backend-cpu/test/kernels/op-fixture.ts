// Runs one op on CPU devices and against its float64 reference, from plain numbers. Shared by the kernel tests.

import { type CpuDevice, cpuDevice } from '@qsparse/backend-cpu';
import {
  type AnyOp,
  full,
  noGrad,
  normal,
  run,
  type Shape,
  scope,
  sizeOf,
  type Tensor,
  type Type,
  tensor,
} from '@qsparse/core';
import { expect } from 'vitest';

export interface Values extends Type {
  readonly elements: ArrayLike<number>;
}

export type ValuesByName = Readonly<Record<string, Values>>;

/** Standard normal numbers times `scale`, rounded to float32, that depend on the seed alone. */
export function normals(seed: number, shape: Shape, scale = 1): Values {
  return floats(
    shape,
    normal(seed, 1, sizeOf(shape)).map((x) => x * scale),
  );
}

export function floats(shape: Shape, elements: ArrayLike<number>): Values {
  return { dtype: 'f32', shape, elements: Float64Array.from(elements, Math.fround) };
}

export function integers(shape: Shape, elements: ArrayLike<number>): Values {
  return { dtype: 'i32', shape, elements };
}

/** Devices with 1, 2 and 3 threads: of odd shapes, each cuts other pieces. */
export function devicesByThreads(): Promise<readonly CpuDevice[]> {
  return Promise.all([1, 2, 3].map((threads) => cpuDevice({ threads })));
}

/** Outputs, and the inputs that the op writes to, as the device gives them. Outputs start as NaN. */
export async function outputsOn(
  device: CpuDevice,
  op: AnyOp,
  ins: ValuesByName,
  attrs: unknown,
): Promise<Record<string, Float32Array>> {
  full(device, [1 << 16], Number.NaN).dispose(); // what is allocated next lies in it, mostly
  const read = scope(() => {
    const tensors: Record<string, Tensor> = {};
    for (const [name, { elements, shape, dtype }] of Object.entries(ins)) {
      tensors[name] = tensor(device, elements, shape, dtype);
    }
    const outs = noGrad(() => run(op, tensors, attrs)) as Record<string, Tensor>;
    const written = Object.fromEntries(
      (op.mutates ?? []).map((name) => [name, tensors[name as string]!] as const),
    );
    const made: Record<string, Tensor> = { ...written, ...outs };
    return Object.entries(made).map(([name, out]) => [name, out.data() as Promise<Float32Array>] as const);
  });
  const entries = read.map(async ([name, elements]) => [name, await elements] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** The same from the op's reference, in float64. */
export function referenceOutputs(op: AnyOp, ins: ValuesByName, attrs: unknown): Record<string, Float64Array> {
  const types = op.infer(ins, attrs) as Record<string, Type>;
  const elements = Object.fromEntries(
    Object.entries(ins).map(([name, values]) => [name, Float64Array.from(values.elements)]),
  );
  const outs = Object.fromEntries(
    Object.entries(types).map(([name, { shape }]) => [name, new Float64Array(sizeOf(shape))]),
  );
  op.reference(elements, outs, attrs, { ...ins, ...types });
  const written = Object.fromEntries((op.mutates ?? []).map((name) => [name, elements[name as string]!]));
  return { ...written, ...outs };
}

/** |got - expected| / |expected| as vectors; NaN when any element is NaN, infinite or missing on one side only. */
export function relativeError(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (got.length !== expected.length) return Number.NaN;
  let [difference, norm] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    if (Object.is(got[i], expected[i])) continue;
    difference += (got[i]! - expected[i]!) ** 2;
  }
  for (let i = 0; i < expected.length; i++) if (Number.isFinite(expected[i])) norm += expected[i]! ** 2;
  return Math.sqrt(difference / (norm || 1));
}

/** Largest relative error over all outputs. */
export async function worstError(
  device: CpuDevice,
  op: AnyOp,
  ins: ValuesByName,
  attrs: unknown,
): Promise<number> {
  const expected = referenceOutputs(op, ins, attrs);
  const got = await outputsOn(device, op, ins, attrs);
  const errors = Object.keys(expected).map((name) => relativeError(got[name] ?? [], expected[name]!));
  return errors.some(Number.isNaN) ? Number.NaN : Math.max(...errors);
}

/** An op on given values, for `expectLikeReference`. */
export interface KernelCase {
  readonly op: AnyOp;
  readonly ins: ValuesByName;
  readonly attrs: unknown;
  /** Of an output vector. Default 1e-6; 0: every element. */
  readonly tolerance?: number;
}

/** The first device is near the reference, and the others give its bits. */
export async function expectLikeReference(
  devices: readonly CpuDevice[],
  { op, ins, attrs, tolerance = 1e-6 }: KernelCase,
): Promise<void> {
  const expected = referenceOutputs(op, ins, attrs);
  const [one, ...others] = await Promise.all(devices.map((device) => outputsOn(device, op, ins, attrs)));
  for (const [output, values] of Object.entries(expected)) {
    expect(relativeError(one![output] ?? [], values), output).toBeLessThanOrEqual(tolerance);
  }
  for (const other of others) expect(firstDifference(other, one!)).toBeUndefined();
}

/** Where two results differ in a bit, as 'name[index]'; undefined when nowhere. (expect().toEqual is slow on arrays.) */
export function firstDifference(
  a: Readonly<Record<string, Float32Array>>,
  b: Readonly<Record<string, Float32Array>>,
): string | undefined {
  for (const name of Object.keys({ ...a, ...b })) {
    const [left, right] = [bitsOf(a[name]), bitsOf(b[name])];
    if (left.length !== right.length) return name;
    const index = left.findIndex((bits, i) => bits !== right[i]);
    if (index >= 0) return `${name}[${index}]`;
  }
  return undefined;
}

function bitsOf(x: Float32Array | undefined): Uint32Array {
  return x ? new Uint32Array(x.buffer, x.byteOffset, x.length) : new Uint32Array();
}
