/** Attention in tiles through workgroup memory, which software adapters do without: edges of tiles, parts of the keys. */
import { attentionBackwardOp, attentionOp } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { WebGpuDevice } from '../../src/index.ts';
import { expectLikeReference, type Numbers, normals, resultsOn, wholes } from './against-reference.ts';

// lavapipe takes many seconds to compile what GPUs like: long loops without branches.
process.env.QSPARSE_WEBGPU_DRIVER ??= 'swiftshader';
const { missing, openDevice } = await import('../drivers.ts');

interface Case {
  /** B, T, S, H, G, D */
  readonly sizes: readonly [number, number, number, number, number, number];
  readonly window?: number;
  readonly position?: readonly number[];
  readonly first?: (i: number) => number;
}

const CASES: readonly Case[] = [
  { sizes: [1, 35, 35, 2, 1, 68] },
  { sizes: [2, 40, 70, 2, 2, 33], window: 37 },
  { sizes: [2, 5, 50, 6, 2, 20], position: [44, 3] },
  { sizes: [1, 66, 66, 1, 1, 8], first: (t) => (t < 20 ? 0 : t === 30 ? 60 : 20) },
  // Decoding: the keys are cut into parts, of which some hold none that is seen.
  { sizes: [2, 1, 400, 4, 2, 36], position: [399, 100] },
  { sizes: [1, 2, 300, 2, 1, 6], position: [-1], window: 9 },
];

function inputs({ sizes: [b, t, s, h, g, d], position, first }: Case): Record<'q' | 'k' | 'v', Numbers> {
  return {
    q: normals(1, [b, t, h, d]),
    k: normals(2, [b, s, g, d]),
    v: normals(3, [b, s, g, d]),
    ...(position && { position: wholes([position.length], (i) => position[i]!) }),
    ...(first && { first: wholes([b, t], first) }),
  };
}

if (missing) test.skip(`attention in tiles: ${missing}`, () => {});
else {
  describe('attention in tiles', { timeout: 60_000 }, () => {
    let device: WebGpuDevice;
    beforeAll(async () => {
      device = await openDevice({ barrierFree: false });
    });
    afterAll(() => device.dispose());

    test.each(CASES)('%j', async (one) => {
      const { sizes, window = 0 } = one;
      const attrs = { scale: 1 / Math.sqrt(sizes[5]), window };
      const ins = inputs(one);
      for (const shift of [0, 1]) await expectLikeReference(device, { op: attentionOp, ins, attrs, shift });
      const forward = await resultsOn(referenceDevice(), { op: attentionOp, ins, attrs });
      const [b, t, , h, , d] = sizes;
      const given = {
        ...{ ...ins, dy: normals(4, [b, t, h, d]) },
        y: { shape: [b, t, h, d], elements: Float64Array.from(forward.y!), dtype: 'f32' as const },
        logSumExp: {
          shape: [b, t, h],
          elements: Float64Array.from(forward.logSumExp!),
          dtype: 'f32' as const,
        },
      };
      for (const shift of [0, 1]) {
        await expectLikeReference(device, { op: attentionBackwardOp, ins: given, attrs, shift }, 4e-6);
      }
    });
  });
}
