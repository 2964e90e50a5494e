/** The CUDA device against goldens, its kernels run on the CPU. All folders pass on an H100; here the hardest do. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { emulatedDevice, missing } from '../../../../packages/backend-cuda/test/emulated-device.ts';
import { verifyDecoding } from '../../src/verify/decode.ts';
import { verifyFolder } from '../../src/verify/verify.ts';

const folder = (name: string) =>
  join(import.meta.dirname, '../fixtures', name.startsWith('hf-') ? 'hugging-face' : 'goldens', name);

if (missing) test.skip(`no emulator: ${missing}`, () => {});
else {
  test.each([
    ['qsparse-ternary-topk-40', 'bf16'],
    ['qsparse-topk-40-swiglu', 'f32'],
    ['hf-bitnet', 'bf16'],
    ['hf-qwen3', 'bf16'],
  ] as const)(
    '%s in %s',
    async (name, compute) => {
      const device = await emulatedDevice();
      const { checks, pass } = await verifyFolder(folder(name), device, compute);
      expect(checks.filter((check) => !check.pass)).toEqual([]);
      expect(pass).toBe(true);
      expect(device.memory()).toMatchObject({ live: 0, programs: 0, count: 0 });
      device.dispose();
    },
    120_000,
  );

  // In bf16 beside exact arithmetic: a ternary model's dense form rounds its levels there, which its packed form keeps.
  test.each([
    ['qsparse-ternary-topk-40', 'f32'],
    ['qsparse-ternary-topk-40', 'bf16'],
    ['hf-bitnet', 'bf16'],
    ['qsparse-topk-40-swiglu', 'bf16'],
  ] as const)(
    'packed weights give the tokens that they should: %s in %s',
    async (name, compute) => {
      const device = await emulatedDevice();
      const { checks, pass } = await verifyDecoding(folder(name), device, compute);
      expect(checks.filter((check) => !check.pass)).toEqual([]);
      expect(pass).toBe(true);
      expect(device.memory()).toMatchObject({ live: 0, programs: 0, count: 0 });
      device.dispose();
    },
    120_000,
  );
}
