import { type CpuDevice, cpuDevice } from '@qsparse/backend-cpu';
import { attentionOp } from '@qsparse/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { integers, normals, outputsOn, type ValuesByName, worstError } from './op-fixture.ts';

type Sizes = readonly [
  batch: number,
  queries: number,
  keys: number,
  heads: number,
  groups: number,
  size: number,
];

function inputs([b, t, s, h, g, d]: Sizes, position?: number): ValuesByName {
  return {
    q: normals(1, [b, t, h, d]),
    k: normals(2, [b, s, g, d]),
    v: normals(3, [b, s, g, d]),
    ...(position !== undefined && { position: integers([1], [position]) }),
  };
}

// Around strips (6 rows), tiles (64 keys), blocks of rows (48, 96, 192), tiles of columns (64) and both kernels.
const SETTINGS: readonly (readonly [sizes: Sizes, window: number, position?: number])[] = [
  [[1, 200, 200, 1, 1, 8], 0],
  [[16, 97, 97, 1, 1, 4], 0],
  [[1, 65, 129, 2, 2, 96], 0],
  [[1, 64, 128, 2, 1, 128], 70],
  [[2, 33, 33, 8, 1, 12], 0],
  [[1, 30, 300, 3, 1, 7], 3, 100],
  [[1, 9, 9, 2, 2, 200], 0],
  [[1, 6, 400, 2, 2, 33], 0, 380],
  [[1, 2, 300, 6, 2, 64], 130],
  [[3, 1, 257, 4, 4, 20], 0, 256],
];

const tuple = ([, queries, keys, , , size]: Sizes) => `T ${queries} S ${keys} D ${size}`;

describe.each(['relaxed', 'baseline'] as const)('attention, %s', (simd) => {
  let device: CpuDevice;
  beforeAll(async () => {
    device = await cpuDevice({ threads: 2, simd });
  });
  afterAll(() => device.dispose());

  test.each(SETTINGS.map((s) => [tuple(s[0]), ...s] as const))(
    '%s',
    async (_name, sizes, window, position) => {
      const attrs = { scale: 1 / Math.sqrt(sizes[5]), window };
      expect(await worstError(device, attentionOp, inputs(sizes, position), attrs)).toBeLessThan(1e-6);
    },
  );

  test('large scores lose nothing: a softmax that is almost a maximum', async () => {
    const ins = { ...inputs([1, 70, 70, 1, 1, 16]), q: normals(1, [1, 70, 1, 16], 30) };
    expect(await worstError(device, attentionOp, ins, { scale: 1, window: 0 })).toBeLessThan(1e-4);
  });

  // Both kernels: 70 and 5 rows.
  test.each([70, 5])('NaN in later tokens reaches no earlier row of %i', async (tokens) => {
    const sizes: Sizes = [1, tokens, tokens, 1, 1, 12];
    const [clean, attrs] = [inputs(sizes), { scale: 0.3, window: 0 }];
    const first = Math.floor(tokens / 2);
    const spoil = (from: number) => (x: number, i: number) => (i >= from * 12 ? Number.NaN : x);
    const ins = {
      ...clean,
      k: { ...clean.k!, elements: Array.from(clean.k!.elements, spoil(first)) },
      v: { ...clean.v!, elements: Array.from(clean.v!.elements, spoil(first)) },
    };
    const before = await outputsOn(device, attentionOp, clean, attrs);
    const after = await outputsOn(device, attentionOp, ins, attrs);
    expect(after.y!.subarray(0, first * 12)).toEqual(before.y!.subarray(0, first * 12));
    expect(after.y!.subarray(first * 12).every(Number.isNaN)).toBe(true);
  });

  test('heads that do not fit are refused, not computed wrongly', async () => {
    const ins = inputs([1, 7, 7, 1, 1, 2000]);
    await expect(outputsOn(device, attentionOp, ins, { scale: 1, window: 0 })).rejects.toThrow('do not fit');
  });
});
