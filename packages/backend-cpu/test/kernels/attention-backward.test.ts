import { type CpuDevice, cpuDevice } from '@qsparse/backend-cpu';
import { attentionBackwardOp, attentionOp } from '@qsparse/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  floats,
  integers,
  normals,
  outputsOn,
  referenceOutputs,
  type ValuesByName,
  worstError,
} from './op-fixture.ts';

type Sizes = readonly [
  batch: number,
  queries: number,
  keys: number,
  heads: number,
  groups: number,
  size: number,
];

function inputs(
  [b, t, s, h, g, d]: Sizes,
  attrs: { scale: number; window: number },
  position?: number,
): ValuesByName {
  const ins = {
    q: normals(1, [b, t, h, d]),
    k: normals(2, [b, s, g, d]),
    v: normals(3, [b, s, g, d]),
    ...(position !== undefined && { position: integers([1], [position]) }),
  };
  const { y, logSumExp } = referenceOutputs(attentionOp, ins, attrs);
  return {
    ...ins,
    dy: normals(4, [b, t, h, d]),
    y: floats([b, t, h, d], y!),
    logSumExp: floats([b, t, h], logSumExp!),
  };
}

// Around strips (6), tiles (64 keys, 66 rows, 64 columns), and with keys split over parts (few batches) or not.
const SETTINGS: readonly (readonly [sizes: Sizes, window: number, position?: number])[] = [
  [[1, 200, 200, 1, 1, 8], 0],
  [[16, 70, 70, 1, 1, 4], 0],
  [[1, 65, 129, 2, 2, 96], 0],
  [[1, 64, 128, 2, 1, 128], 70],
  [[2, 33, 33, 8, 1, 12], 0],
  [[1, 30, 300, 3, 1, 7], 3, 100],
  [[1, 9, 9, 2, 2, 200], 0],
  [[8, 67, 67, 2, 2, 33], 5],
];

describe.each(['relaxed', 'baseline'] as const)('attention-backward, %s', (simd) => {
  let device: CpuDevice;
  beforeAll(async () => {
    device = await cpuDevice({ threads: 2, simd });
  });
  afterAll(() => device.dispose());

  test.each(SETTINGS.map((s) => [s[0].join(' '), ...s] as const))(
    '%s',
    async (_name, sizes, window, position) => {
      const attrs = { scale: 1 / Math.sqrt(sizes[5]), window };
      const ins = inputs(sizes, attrs, position);
      expect(await worstError(device, attentionBackwardOp, ins, attrs)).toBeLessThan(2e-6);
    },
  );

  test('a row that sees one key has a gradient of exactly 0', async () => {
    const attrs = { scale: 0.5, window: 1 };
    const { dq, dk } = await outputsOn(
      device,
      attentionBackwardOp,
      inputs([2, 19, 19, 3, 1, 20], attrs),
      attrs,
    );
    expect(dq!.every((x) => x === 0)).toBe(true);
    expect(dk!.every((x) => x === 0)).toBe(true);
  });

  test('heads that do not fit are refused, not computed wrongly', async () => {
    const attrs = { scale: 1, window: 0 };
    const ins = inputs([1, 2, 2, 1, 1, 1000], attrs);
    await expect(outputsOn(device, attentionBackwardOp, ins, attrs)).rejects.toThrow('do not fit');
  });
});
