/** Copies between host and device: more than the staging halves, nothing at all, many at once, and what is given back. */
import { DisposedError, full, OutOfMemoryError, scale, tensor, write, zeros } from '@qsparse/core';
import { afterEach, describe, expect, test } from 'vitest';
import { type EmulatorControl, emulatedDevice, missing, openEmulator } from './emulated-device.ts';

const emulator = missing ? ({} as EmulatorControl) : openEmulator();
const HALF = 8 * 2 ** 20;

/** Whether two arrays hold the same; `toEqual` takes seconds for millions. */
const same = (a: ArrayLike<number>, b: Float32Array): boolean =>
  a.length === b.length && b.every((value, i) => Object.is(value, a[i]));
const counted = (length: number, from: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => (from + i) % 16_777_213);

describe.skipIf(missing)('copies', () => {
  afterEach(() => emulator.reset());

  for (const late of [0, 1]) {
    test(`of three halves and a bit, in order with kernels${late ? ', while the device is behind' : ''}`, async () => {
      emulator.set({ LATE: late });
      const device = await emulatedDevice();
      const length = (3 * HALF) / 4 + 5;
      const x = zeros(device, [length]);
      const [first, second] = [counted(length, 1), counted(length, 7)];
      write(x, first);
      const before = x.data();
      write(x, second);
      const after = x.data();
      // The caller's memory is free again at once.
      second.fill(-1);
      expect(same(await before, first)).toBe(true);
      expect(same(await after, counted(length, 7))).toBe(true);
      device.dispose();
    });
  }

  test('of exactly a half, of one byte more, and of nothing', async () => {
    const device = await emulatedDevice();
    for (const bytes of [HALF, HALF + 1, 2 * HALF, 0, 1]) {
      const slot = device.alloc(bytes);
      const view = { dtype: 'i8', shape: [bytes], slot, offset: 0 } as const;
      const values = Int8Array.from({ length: bytes }, (_, i) => (i * 7) % 127);
      device.write(view, values);
      const back = (await device.read(view)) as Int8Array;
      expect(Buffer.compare(Buffer.from(back.buffer), Buffer.from(values.buffer)), `${bytes} bytes`).toBe(0);
      expect(back.buffer.byteLength).toBe(bytes);
      device.free(slot);
    }
    device.dispose();
  });

  test('a part of a larger array is written, not what lies around it', async () => {
    const device = await emulatedDevice();
    const x = zeros(device, [3]);
    write(x, Float32Array.of(9, 1, 2, 3, 9).subarray(1, 4));
    expect(Array.from(await x.data())).toEqual([1, 2, 3]);
    device.dispose();
  });

  test('many reads at once, each of its own time, and the buffers of one round serve the next', async () => {
    emulator.set({ LATE: 1 });
    const device = await emulatedDevice();
    const x = tensor(device, [0]);
    const round = async (): Promise<void> => {
      const reads: Promise<ArrayLike<number>>[] = [];
      for (let i = 0; i < 50; i++) {
        write(x, [i]);
        reads.push(x.data());
      }
      const all = await Promise.all(reads);
      expect(all.map((values) => values[0])).toEqual(Array.from({ length: 50 }, (_, i) => i));
    };
    await round();
    const after = emulator.alive();
    for (let i = 0; i < 5; i++) await round();
    expect(emulator.alive()).toEqual(after);
    device.dispose();
  });

  test('large buffers are not kept', async () => {
    const device = await emulatedDevice();
    const x = zeros(device, [5 * 2 ** 20]);
    await x.data();
    const { hostAllocations } = emulator.alive();
    await x.data();
    await x.data();
    expect(emulator.alive().hostAllocations).toBe(hostAllocations);
    device.dispose();
  });

  test('of many buffers few are kept', async () => {
    const device = await emulatedDevice();
    const x = zeros(device, [2 ** 20]);
    for (let round = 0; round < 2; round++) {
      await Promise.all(Array.from({ length: 20 }, () => x.data()));
      // 64 MiB of 4 MiB each.
      expect(emulator.alive().hostAllocations).toBe(16);
    }
    device.dispose();
  });

  test('the event loop turns while the device works', async () => {
    const device = await emulatedDevice();
    emulator.set({ LATE: 1 });
    const x = full(device, [10], 1);
    const launched = emulator.launches();
    const results = Array.from({ length: 30 }, () => scale(x, 2));
    let turns = 0;
    let running = true;
    const turn = (): void => {
      turns++;
      if (running) setImmediate(turn);
    };
    setImmediate(turn);
    expect(Array.from(await results.at(-1)!.data())).toEqual(Array(10).fill(2));
    running = false;
    expect(emulator.launches() - launched).toBe(31);
    expect(turns).toBeGreaterThan(20);
    device.dispose();
  });

  test('a device that goes while something is read: an error, and no touch of memory that is gone', async () => {
    emulator.set({ LATE: 1 });
    const device = await emulatedDevice();
    const x = zeros(device, [1000]);
    const waiting = [x.data(), x.data(), device.settled(), device.time(() => void scale(x, 2))];
    const ended = Promise.allSettled(waiting);
    device.dispose();
    for (const outcome of await ended) {
      expect(outcome.status).toBe('rejected');
      expect((outcome as PromiseRejectedResult).reason).toBeInstanceOf(DisposedError);
    }
    expect(
      Object.values(emulator.alive()).every((count) => count === 0),
      JSON.stringify(emulator.alive()),
    ).toBe(true);
  });

  test('no page-locked memory: an error that says so, and the next try works', async () => {
    const device = await emulatedDevice();
    const x = zeros(device, [4]);
    for (const failing of ['cuMemHostAlloc:1', 'cuMemHostAlloc:2']) {
      emulator.set({ FAIL: failing });
      const work = async (): Promise<void> => {
        write(x, [1, 2, 3, 4]);
        await x.data();
      };
      await expect(work()).rejects.toThrow(OutOfMemoryError);
    }
    emulator.set({ FAIL: 'cuEventCreate:1' });
    await expect(x.data()).rejects.toThrow('cuEventCreate failed');
    emulator.set({ FAIL: '' });
    write(x, [1, 2, 3, 4]);
    expect(Array.from(await x.data())).toEqual([1, 2, 3, 4]);
    device.dispose();
    expect(emulator.alive()).toMatchObject({ hostAllocations: 0, events: 0, contexts: 0 });
  });
});
