/** embedding-backward over several blocks of its sort and several pieces of an id, against the reference and itself. */
import { embeddingBackwardOp } from '@qsparse/core';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { CudaDevice } from '../../src/index.ts';
import { missing } from '../emulated-device.ts';
import {
  expectLikeReference,
  expectSameInAnyOrder,
  type Float,
  type KernelCase,
  normals,
  smallDevice,
  wholes,
} from './against-reference.ts';

interface Parts {
  readonly rows: number;
  readonly length: number;
  readonly width: number;
  readonly idOf: (row: number) => number;
  readonly dy?: Float;
  readonly into?: Float;
  readonly shift?: number;
}

const make = ({ rows, length, width, idOf, dy = 'f32', into = dy, shift = 0 }: Parts): KernelCase => ({
  op: embeddingBackwardOp,
  ins: {
    dy: normals(1, [rows, width], dy),
    ids: wholes([rows], idOf),
    into: normals(2, [length, width], into),
  },
  shift,
});

/** Scattered, but the same on every run. */
const spread = (row: number, below: number): number => ((row * 2_654_435_761) % 4_294_967_291) % below;
/** Every fifth row names one id, every seventh none. */
const skewed = (row: number): number => (row % 5 === 0 ? 7 : row % 7 === 0 ? -1 - row : spread(row, 400));

const CASES: Readonly<Record<string, KernelCase>> = {
  'scattered ids': make({ rows: 4500, length: 300, width: 16, idOf: (row) => spread(row, 300) }),
  'a common id and ids outside': make({
    rows: 4500,
    length: 400,
    width: 8,
    idOf: skewed,
    dy: 'bf16',
    into: 'f32',
  }),
  'one id': make({ rows: 2100, length: 3, width: 24, idOf: () => 1, dy: 'bf16' }),
  'one id, out of alignment': make({ rows: 1100, length: 3, width: 8, idOf: () => 2, shift: 1 }),
  'no id of the table': make({ rows: 200, length: 3, width: 8, idOf: () => 3 }),
  'ids of three digits': make({ rows: 300, length: 70_000, width: 3, idOf: (row) => 65_530 + (row % 13) }),
  'a row for each piece': make({ rows: 96, length: 3, width: 1, idOf: (row) => Math.floor(row / 32) }),
  'more columns than threads': make({ rows: 70, length: 5, width: 1032, idOf: (row) => row % 5 }),
};

describe.skipIf(missing)('embedding-backward', () => {
  let device: CudaDevice;
  beforeAll(async () => {
    device = await smallDevice();
  });
  afterAll(() => device.dispose());

  // Long sums in float32: what is added is near 1, and so are the results.
  for (const [name, kernelCase] of Object.entries(CASES)) {
    test(name, () => expectLikeReference(device, kernelCase));
  }
  test('the same bits in any order of threads and blocks', () =>
    expectSameInAnyOrder(device, CASES['a common id and ids outside']!));
});
