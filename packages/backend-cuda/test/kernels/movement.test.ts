/** Ops that move elements, at sizes where they take units of 16 bytes, and many turns. */
import {
  copySectionOp,
  embeddingOp,
  kvAppendOp,
  permuteOp,
  ropeTable,
  rotaryHeadsBackwardOp,
  rotaryHeadsOp,
  type Shape,
  sliceOp,
} from '@qsparse/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CudaDevice } from '../../src/index.ts';
import { widestUnit } from '../../src/kernels/units.ts';
import { missing } from '../emulated-device.ts';
import {
  expectLikeReference,
  type Float,
  floats,
  type KernelCase,
  normals,
  smallDevice,
  wholes,
} from './against-reference.ts';

const x = (shape: Shape, dtype: Float = 'bf16') => normals(1, shape, dtype);
const other = (shape: Shape, dtype: Float = 'bf16') => normals(2, shape, dtype);
const exact = { tolerance: 0 };
const position = (at: number) => wholes([1], () => at);

const table = (length: number, headDim: number) => {
  const numbers = ropeTable({ length, headDim, theta: 10_000 });
  return floats([length, headDim / 2, 2], (i) => numbers[i]!);
};

const CASES: Readonly<Record<string, KernelCase>> = {
  'slice of rows': {
    op: sliceOp,
    ins: { x: x([900, 256]) },
    attrs: { axis: 1, start: 64, length: 168 },
    ...exact,
  },
  'slice in units of 4': {
    op: sliceOp,
    ins: { x: x([90, 66]) },
    attrs: { axis: 1, start: 2, length: 62 },
    ...exact,
  },
  'section of rows': {
    op: copySectionOp,
    ins: { into: other([900, 256]), x: x([900, 168]) },
    attrs: { axis: 1, start: 64 },
    ...exact,
  },
  'permute of long runs': {
    op: permuteOp,
    ins: { x: x([3, 50, 12, 64]) },
    attrs: { order: [0, 2, 1, 3] },
    ...exact,
  },
  'permute of tiles': {
    op: permuteOp,
    ins: { x: x([2, 130, 3, 97]) },
    attrs: { order: [3, 2, 0, 1] },
    ...exact,
  },
  'embedding of wide rows': {
    op: embeddingOp,
    ins: { table: x([50, 128]), ids: wholes([700], (row) => (row * 31) % 53) },
    ...exact,
  },
  'kv-append of wide rows': {
    op: kvAppendOp,
    ins: { cache: other([3, 40, 2, 64]), x: x([3, 30, 2, 64]), position: position(20) },
    ...exact,
  },
  'rotary heads': {
    op: rotaryHeadsOp,
    ins: { x: x([2, 40, 20 * 64]), table: table(64, 64), position: position(30) },
    attrs: { heads: 12, keyValueHeads: 4 },
  },
  'rotary heads backward': {
    op: rotaryHeadsBackwardOp,
    ins: {
      ...{ dQuery: x([2, 40, 12, 64]), dKey: other([2, 40, 4, 64]), dValue: x([2, 40, 4, 64]) },
      table: table(64, 64),
    },
  },
};

describe.skipIf(missing)('ops that move elements', () => {
  let device: CudaDevice;
  beforeAll(async () => {
    device = await smallDevice();
  });
  afterAll(() => device.dispose());

  for (const [name, kernelCase] of Object.entries(CASES)) {
    test(name, () => expectLikeReference(device, kernelCase));
    test(`${name}, out of alignment`, () => expectLikeReference(device, { ...kernelCase, shift: 1 }));
  }
});

test('a unit is the widest that divides everything', () => {
  expect([
    widestUnit(32, 48),
    widestUnit(32, 8),
    widestUnit(12),
    widestUnit(6, 16),
    widestUnit(5, 16),
  ]).toEqual([16, 8, 4, 2, 1]);
});
