/** A driver that runs out of memory in earnest: SwiftShader, which has no room for the largest buffer that it allows. */
import { add, full, OutOfMemoryError, paramArena, QSparseError } from '@qsparse/core';
import { expect, test } from 'vitest';
import { driver, missing, openDevice } from '../drivers.ts';

const reason = missing ?? (driver === 'SwiftShader' ? undefined : `${driver} has room for all`);

test.skipIf(reason)(
  'one typed error names what there was no room for, and another device goes on',
  async () => {
    const device = await openDevice();
    const small = full(device, [1000], 1);
    const elements = device.gpu.limits.maxBufferSize / 4;
    const told = await failureOf(() => {
      paramArena(device, [{ name: 'lm_head.weight', shape: [elements / 64, 64] }], { gradients: false });
      return device.settled().then(() => device.settled());
    });
    expect(told).toBeInstanceOf(OutOfMemoryError);
    expect(told.message).toMatch(/no room left for all parameters \(the largest is lm_head\.weight /);
    expect(told.message).toContain('in 1 tensors');
    expect(await failureOf(() => add(small, small))).toBe(told);
    expect(await failureOf(() => small.data())).toBe(told);
    device.dispose();
    const other = await openDevice();
    const sum = add(full(other, [3], 1), full(other, [3], 2));
    expect(Array.from(await sum.data())).toEqual([3, 3, 3]);
    other.dispose();
  },
);

async function failureOf(work: () => unknown): Promise<QSparseError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof QSparseError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
