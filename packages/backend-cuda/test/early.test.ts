/** Which launches may be placed before the one in front has ended: that call fails here, and so shows who makes it. */
import type { CudaOptions } from '@qsparse/backend-cuda';
import { argmax, scope, tensor } from '@qsparse/core';
import { afterEach, describe, expect, test } from 'vitest';
import { type EmulatorControl, emulatedDevice, missing, openEmulator } from './emulated-device.ts';

const emulator = missing ? ({} as EmulatorControl) : openEmulator();

/** The place of the largest number, on a device of its own. */
async function largest(options: CudaOptions = {}): Promise<number> {
  const device = await emulatedDevice(options);
  try {
    return await scope(() => argmax(tensor(device, [1, 3, 2], [1, 3]))).item();
  } finally {
    device.dispose();
  }
}

describe.skipIf(missing)('a kernel of decoding', () => {
  afterEach(() => emulator.reset());

  test('is placed early where its code waits by itself', async () => {
    expect(await largest()).toBe(1);
    emulator.set({ FAIL: 'cuLaunchKernelEx:1:1' });
    await expect(largest()).rejects.toMatchObject({ call: 'cuLaunchKernelEx', status: 1 });
  });

  test.each([
    ['code of an older capability', { CAPABILITY: '89' }],
    ['a driver before CUDA 12.4', { DRIVER: '12030' }],
  ])('%s: like any other', async (_, options) => {
    emulator.set({ ...options, FAIL: 'cuLaunchKernelEx:1:1' });
    expect(await largest()).toBe(1);
  });

  test('like any other where the option says so', async () => {
    emulator.set({ FAIL: 'cuLaunchKernelEx:1:1' });
    expect(await largest({ early: false })).toBe(1);
  });
});
