/** What a page gets: threads when it is cross-origin isolated, one thread otherwise. */
import { cpuDevice } from '@qsparse/backend-cpu';
import { expect, test } from 'vitest';

const isolated = globalThis.crossOriginIsolated;

test('uses all cores of an isolated page and one thread elsewhere', async () => {
  const device = await cpuDevice();
  expect(device.caps.threads).toBe(isolated ? navigator.hardwareConcurrency : 1);
  device.dispose();
});

if (isolated) {
  test('starts the threads that are asked for', async () => {
    const device = await cpuDevice({ threads: 3 });
    expect(device.caps.threads).toBe(3);
    device.dispose();
  });
} else {
  test('says why more threads cannot start', async () => {
    await expect(cpuDevice({ threads: 2 })).rejects.toThrow(/threads: 2 needs 1 worker/);
  });
}
