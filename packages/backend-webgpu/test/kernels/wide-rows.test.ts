/** Softmax, losses, choices and draws by whole workgroups, which software adapters do without. */
import {
  argmaxOp,
  crossEntropyOp,
  embeddingBackwardOp,
  randomState,
  sampleOp,
  softmaxBackwardOp,
  softmaxOp,
} from '@qsparse/core';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { WebGpuDevice } from '../../src/index.ts';
import { missing, openDevice } from '../drivers.ts';
import { expectLikeReference, normals, wholes } from './against-reference.ts';

if (missing) test.skip(`rows by workgroups: ${missing}`, () => {});
else {
  describe('rows by workgroups', { timeout: 60_000 }, () => {
    let device: WebGpuDevice;
    beforeAll(async () => {
      device = await openDevice({ barrierFree: false });
    });
    afterAll(() => device.dispose());

    test.each([33, 513, 3001])('of %i numbers', async (width) => {
      const x = normals(5, [3, width], 2);
      await expectLikeReference(device, { op: softmaxOp, ins: { x }, attrs: { causal: false, window: 0 } });
      await expectLikeReference(device, { op: softmaxBackwardOp, ins: { y: x, dy: normals(6, [3, width]) } });
      await expectLikeReference(device, { op: argmaxOp, ins: { x } });
      const targets = wholes([3], (i) => [width - 1, -1, 0][i]!);
      await expectLikeReference(device, { op: crossEntropyOp, ins: { logits: x, targets } });
    });

    test('of which some are hidden', async () => {
      const x = normals(7, [2, 1, 3, 70]);
      const ins = { x, position: wholes([2], (i) => [-1, 60][i]!), first: wholes([2, 3], (i) => 9 * i) };
      await expectLikeReference(device, { op: softmaxOp, ins, attrs: { causal: true, window: 40 } });
    });

    test.each([
      { temperature: 1, topK: 0, topP: 0.9 },
      { temperature: 0.8, topK: 40, topP: 0.95 },
      { temperature: 2, topK: 7, topP: 1 },
    ])('drawn from by %j', async (attrs) => {
      const random = wholes([4], (i) => randomState(99, 3, 11)[i]!);
      const ins = { logits: normals(8, [3, 700], 2), random };
      await expectLikeReference(device, { op: sampleOp, ins, attrs });
    });

    test('of a table, added up by many', async () => {
      const ids = wholes([300], (i) => (i * i) % 41);
      const ins = { dy: normals(9, [300, 70]), ids, into: normals(10, [37, 70]) };
      await expectLikeReference(device, { op: embeddingBackwardOp, ins });
    });
  });
}
