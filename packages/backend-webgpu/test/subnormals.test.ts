/** That the device says of subnormal numbers what its kernels do with them. */
import { add, tensor } from '@qsparse/core';
import { expect, test } from 'vitest';
import { driver, missing, openDevice } from './drivers.ts';

test.skipIf(missing)('flushesSubnormals is what a kernel does', async () => {
  const device = await openDevice();
  const x = tensor(device, [1e-40], [1]);
  const sum = add(x, x);
  const flushes = await device.flushesSubnormals();
  expect((await sum.data())[0] === 0).toBe(flushes);
  expect(await device.flushesSubnormals()).toBe(flushes);
  if (driver === 'lavapipe') expect(flushes).toBe(false);
  if (driver === 'SwiftShader') expect(flushes).toBe(true);
  for (const one of [x, sum]) one.dispose();
  device.dispose();
});
