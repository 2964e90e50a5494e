/** The loops of elementwise.cuh at sizes where a thread has several turns, in vectors and out of alignment. */
import {
  accumulateOp,
  adamwHyper,
  adamwOp,
  binaryOp,
  broadcastOp,
  castOp,
  castStraightThroughOp,
  copyOp,
  fillOp,
  randomOp,
  randomState,
  scaleOp,
  unaryBackwardOp,
  unaryOp,
} from '@qsparse/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CudaDevice } from '../../src/index.ts';
import { gridOverBytes } from '../../src/kernels/elementwise.ts';
import type { LaunchContext } from '../../src/launch.ts';
import { missing } from '../emulated-device.ts';
import {
  expectLikeReference,
  type KernelCase,
  normals,
  smallDevice,
  type Values,
  wholes,
} from './against-reference.ts';

/** More than 64 blocks of 8192 bytes for every dtype, and no whole vectors. */
const MANY = 280_007;
/** Rows of whole vectors. */
const ROWS = [1001, 320] as const;

const x = (dtype: 'f32' | 'bf16', shape: readonly number[] = [MANY]) => normals(1, shape, dtype);
const y = (dtype: 'f32' | 'bf16', shape: readonly number[] = [MANY]) =>
  normals(2, shape, dtype, { shift: 4 });

const CASES: Readonly<Record<string, KernelCase>> = {
  'unary f32': { op: unaryOp, ins: { x: x('f32') }, attrs: { kind: 'silu' } },
  'unary bf16': { op: unaryOp, ins: { x: x('bf16') }, attrs: { kind: 'gelu' } },
  'unary-backward f32': { op: unaryBackwardOp, ins: { x: x('f32'), dy: y('f32') }, attrs: { kind: 'silu' } },
  'unary-backward bf16': {
    op: unaryBackwardOp,
    ins: { x: x('bf16'), dy: y('bf16') },
    attrs: { kind: 'square' },
  },
  'scale bf16': { op: scaleOp, ins: { x: x('bf16') }, attrs: { factor: 0.3 } },
  'binary f32': { op: binaryOp, ins: { a: x('f32'), b: y('f32') }, attrs: { kind: 'divide' } },
  'binary of rows': {
    op: binaryOp,
    ins: { a: x('bf16', ROWS), b: y('bf16', [320]) },
    attrs: { kind: 'multiply' },
  },
  'binary of odd rows': {
    op: binaryOp,
    ins: { a: x('f32', [997, 301]), b: y('f32', [301]) },
    attrs: { kind: 'add' },
  },
  'binary with a number': {
    op: binaryOp,
    ins: { a: x('bf16'), b: y('bf16', []) },
    attrs: { kind: 'subtract' },
  },
  'accumulate f32': { op: accumulateOp, ins: { into: x('f32'), x: y('f32') } },
  'accumulate bf16': { op: accumulateOp, ins: { into: x('bf16'), x: y('bf16') } },
  'accumulate bf16 into f32': { op: accumulateOp, ins: { into: x('f32'), x: y('bf16') } },
  'cast to bf16': { op: castOp, ins: { x: x('f32') }, attrs: { dtype: 'bf16' } },
  'cast to f32': { op: castOp, ins: { x: x('bf16') }, attrs: { dtype: 'f32' }, tolerance: 0 },
  'cast to i8': { op: castOp, ins: { x: normals(1, [MANY], 'bf16', { scale: 90 }) }, attrs: { dtype: 'i8' } },
  'cast straight through': { op: castStraightThroughOp, ins: { x: x('f32') }, attrs: { dtype: 'bf16' } },
  'broadcast of rows': {
    op: broadcastOp,
    ins: { x: x('bf16', [320]) },
    attrs: { shape: ROWS, along: 'leading' },
  },
  'broadcast along rows': {
    op: broadcastOp,
    ins: { x: x('f32', [1001]) },
    attrs: { shape: ROWS, along: 'last' },
  },
  'copy bf16': { op: copyOp, ins: { into: y('bf16'), x: x('bf16') }, tolerance: 0 },
  'fill bf16': { op: fillOp, ins: { into: x('bf16') }, attrs: { value: -3 }, tolerance: 0 },
  'fill f32': { op: fillOp, ins: { into: x('f32') }, attrs: { value: 0.1 }, tolerance: 3e-8 },
  'random uniform': {
    op: randomOp,
    ins: drawn(),
    attrs: { distribution: 'uniform', scale: 0.3 },
    tolerance: 0,
  },
  'random normal': {
    op: randomOp,
    ins: drawn(),
    attrs: { distribution: 'normal', scale: 0.02 },
    tolerance: 0,
  },
  adamw: { op: adamwOp, ins: adamwState(), attrs: { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, decay: true } },
};

function drawn(): Record<string, Values> {
  const state = randomState(77, 3, 2 ** 31 - 9);
  return { into: x('f32'), state: wholes([4], (i) => state[i]!) };
}

function adamwState(): Record<string, Values> {
  const hyper = { learningRate: 1e-2, weightDecay: 0.1, beta1: 0.9, beta2: 0.95, step: 3, clipNorm: 1 };
  const numbers = adamwHyper(hyper);
  const [value, grad, m] = [1, 2, 3].map((seed) => normals(seed, [MANY]));
  const v = { ...m!, elements: m!.elements.map((element) => Math.fround(element * element)) };
  const one = (shape: readonly number[], elements: readonly number[]): Values => ({
    dtype: 'f32',
    shape,
    elements: Float64Array.from(elements, Math.fround),
  });
  return { value: value!, grad: grad!, m: m!, v, norm: one([], [3]), hyper: one([8], numbers) };
}

describe.skipIf(missing)('loops over elements', () => {
  let device: CudaDevice;
  beforeAll(async () => {
    device = await smallDevice();
  });
  afterAll(() => device.dispose());

  for (const [name, kernelCase] of Object.entries(CASES)) {
    test(name, () => expectLikeReference(device, kernelCase));
  }

  test.each(['unary f32', 'copy bf16', 'accumulate bf16 into f32', 'binary of rows'])(
    '%s out of alignment',
    (name) => expectLikeReference(device, { ...CASES[name]!, shift: 3 }),
  );
});

test('blocks grow with the bytes up to a limit for each multiprocessor', () => {
  const context = { multiprocessors: 2 } as LaunchContext;
  expect([0, 1, 8192, 8193, 1e12].map((bytes) => gridOverBytes(context, bytes)[0])).toEqual([
    1, 1, 1, 2, 128,
  ]);
});
