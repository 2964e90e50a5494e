/** The WebGPU device against goldens, on a software driver. All folders pass there; here the hardest two do. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { missing, openDevice } from '../../../../packages/backend-webgpu/test/drivers.ts';
import { verifyFolder } from '../../src/verify/verify.ts';

const goldens = join(import.meta.dirname, '../fixtures/goldens');

if (missing) test.skip(`goldens on WebGPU: ${missing}`, () => {});
else {
  test.each(['qsparse-ternary-topk-40', 'qsparse-topk-40-swiglu'])(
    '%s',
    async (name) => {
      const device = await openDevice();
      const { checks, pass } = await verifyFolder(join(goldens, name), device);
      expect(checks.filter((check) => !check.pass)).toEqual([]);
      expect(pass).toBe(true);
      expect(device.memory()).toMatchObject({ live: 0, programs: 0, count: 0 });
      device.dispose();
    },
    120_000,
  );
}
