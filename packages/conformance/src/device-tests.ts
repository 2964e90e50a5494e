/** What a device must do besides ops: keep bytes, keep order, reuse memory, refuse misuse. */
import {
  add,
  copy,
  type Device,
  DeviceError,
  DisposedError,
  type DType,
  empty,
  fillWith,
  full,
  NoKernelError,
  type Op,
  rows,
  run,
  type Shape,
  scope,
  type Tensor,
  tensor,
  write,
} from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect } from 'vitest';

type Register = (name: string, body: (device: Device) => Promise<void>) => void;

/** An op that no device knows. */
const unknownOp: Op<'x', 'y', null> = {
  name: 'unknown-to-every-device',
  infer: ({ x }) => ({ y: x }),
  reference: () => {},
};

export function registerDeviceTests(register: Register): void {
  for (const [dtype, elements] of Object.entries(STORED) as [DType, number[]][]) {
    register(`device: ${dtype} comes back as it was written`, async (device) => {
      for (const shape of [[elements.length], [1], [3]] as const) {
        const given = elements.slice(0, sizeFor(dtype, shape));
        const x = tensor(device, given, dtype === 'ternary' ? [4 * given.length] : shape, dtype);
        const twin = copy(x);
        expect(Array.from(await x.data())).toEqual(given);
        expect(Array.from(await twin.data())).toEqual(given);
        x.dispose();
        twin.dispose();
      }
    });
  }

  register('device: writes, ops and reads happen in the order of the calls', async (device) => {
    const x = tensor(device, [1, 2, 3]);
    const reads: Promise<ArrayLike<number>>[] = [];
    const sums: Tensor[] = [];
    for (let i = 0; i < 20; i++) {
      write(x, [i, 2 * i, 3 * i]);
      const y = add(x, x);
      reads.push(x.data(), y.data());
      fillWith(x, -1);
      sums.push(y);
    }
    const all = await Promise.all(reads);
    for (let i = 0; i < 20; i++) {
      expect(Array.from(all[2 * i]!)).toEqual([i, 2 * i, 3 * i]);
      expect(Array.from(all[2 * i + 1]!)).toEqual([2 * i, 4 * i, 6 * i]);
    }
    for (const y of [x, ...sums]) y.dispose();
  });

  register('device: a read is a copy', async (device) => {
    const x = tensor(device, [1, 2, 3]);
    const before = await x.data();
    write(x, [7, 8, 9]);
    expect(Array.from(before)).toEqual([1, 2, 3]);
    x.dispose();
  });

  register('device: views of part of a tensor see the same memory', async (device) => {
    const x = tensor(device, [1, 2, 3, 4, 5, 6], [3, 2]);
    const part = rows(x, 1, 1);
    fillWith(part, 9);
    expect(Array.from(await x.data())).toEqual([1, 2, 9, 9, 5, 6]);
    part.dispose();
    x.dispose();
  });

  register('device: freed memory is reused', async (device) => {
    const use = () => scope(() => void full(device, [1000, 100], 1));
    use();
    const { peak } = device.memory();
    for (let i = 0; i < 100; i++) use();
    expect(device.memory().peak).toBe(peak);
  });

  register('device: memory grows by what is held', async (device) => {
    const before = device.memory().live;
    const x = empty(device, 'f32', [300_000]);
    expect(device.memory().live - before).toBeGreaterThanOrEqual(1_200_000);
    x.dispose();
  });

  register('device: a tensor of another device is refused', async (device) => {
    const other = referenceDevice();
    const [x, y] = [tensor(device, [1]), tensor(other, [1])];
    expect(() => scope(() => void add(x, y))).toThrow(DeviceError);
    x.dispose();
    y.dispose();
  });

  register('device: a disposed tensor is refused', async (device) => {
    const x = tensor(device, [1]);
    x.dispose();
    expect(() => scope(() => void add(x, x))).toThrow(DisposedError);
  });

  register('device: a primitive that no device knows is refused', async (device) => {
    const x = tensor(device, [1]);
    // The reference device runs any op from its spec.
    if (device.kernel(unknownOp) === undefined)
      expect(() => run(unknownOp, { x }, null)).toThrow(NoKernelError);
    x.dispose();
  });
}

/** Elements that each dtype holds exactly; ternary as bytes of four codes. */
const STORED: Readonly<Record<DType, readonly number[]>> = {
  f32: [0, -1.5, 1 + 2 ** -23, 2 ** -149, 3.4028234663852886e38, Infinity, NaN],
  bf16: [0, -1.5, 1.0078125, 9.183549615799121e-41, 3.3895313892515355e38, -Infinity, NaN],
  i32: [0, -1, 2 ** 31 - 1, -(2 ** 31), 16_777_217],
  i8: [0, -1, 127, -128, 5],
  ternary: [0b00_01_10_00, 0b10_10_10_10, 0b01_00_01_10],
};

function sizeFor(dtype: DType, shape: Shape): number {
  return dtype === 'ternary' ? Math.min(shape[0]!, STORED.ternary.length) : shape[0]!;
}
