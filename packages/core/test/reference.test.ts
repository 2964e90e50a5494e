import {
  accumulate,
  add,
  asView,
  capture,
  DisposedError,
  empty,
  multiply,
  ShapeError,
  scale,
  scope,
  section,
  type Tensor,
  tensor,
} from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

test('f32 is held in float64, read unrounded by the device and rounded by data()', async () => {
  const device = referenceDevice();
  const third = tensor(device, [1 / 3]);
  expect(device.values(scale(third, 3))[0]).toBe(1);
  expect(device.values(third)[0]).toBe(1 / 3);
  expect(await third.item()).toBe(Math.fround(1 / 3));
  expect(await device.read(asView(third))).toEqual(Float64Array.of(1 / 3));
});

test('bf16 is rounded by the op that makes it or changes it', () => {
  const device = referenceDevice();
  const x = tensor(device, [1 + 2 ** -7], [1], 'bf16');
  expect(device.values(multiply(x, x))[0]).toBe(1 + 2 ** -6);
  const sum = tensor(device, [256], [1], 'bf16');
  accumulate(sum, x);
  expect(device.values(sum)[0]).toBe(258); // 257 and a little: 256, 258 are neighbours
});

test('every dtype comes back as it was written', async () => {
  const device = referenceDevice();
  expect(await tensor(device, [1, -128], [2], 'i8').data()).toEqual(Int8Array.of(1, -128));
  expect(await tensor(device, [2 ** 31 - 1], [1], 'i32').data()).toEqual(Int32Array.of(2 ** 31 - 1));
  expect(await tensor(device, [1 + 2 ** -7, 2 ** -133], [2], 'bf16').data()).toEqual(
    Float32Array.of(1 + 2 ** -7, 2 ** -133),
  );
  // Codes 0, 1, 2 in two bits each, lowest first.
  const packed = tensor(device, [0b01_10_00_01, 0b10], [5], 'ternary');
  expect([...device.values(packed)]).toEqual([0, -1, 1, 0, 1]);
  expect(await packed.data()).toEqual(Uint8Array.of(0b01_10_00_01, 0b10));
});

test('memory that nobody wrote is NaN, also when a slot is used again', () => {
  const device = referenceDevice();
  scope(() => {
    tensor(device, [1, 2, 3]);
  });
  expect([...device.values(empty(device, 'f32', [3]))]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
});

test('values are a copy', () => {
  const device = referenceDevice();
  const x = tensor(device, [1]);
  device.values(x)[0] = 9;
  expect([...device.values(x)]).toEqual([1]);
});

test('a read sees the work before it and not the work after', async () => {
  const device = referenceDevice();
  const step = capture(({ x }: { readonly x: Tensor }) => scale(x, 2));
  const [one, two] = [tensor(device, [1]), tensor(device, [2])];
  step({ x: one });
  const first = step({ x: one }).item();
  step({ x: two });
  expect(await first).toBe(2);
});

test('sections address elements of every width', () => {
  const device = referenceDevice();
  for (const dtype of ['f32', 'bf16', 'i32', 'i8'] as const) {
    const x = tensor(device, [1, 2, 3, 4], [4], dtype);
    expect([...device.values(section(x, 1, [2]))]).toEqual([2, 3]);
  }
});

test('a view beyond its slot and a disposed device are refused', () => {
  const device = referenceDevice();
  const x = tensor(device, [1]);
  expect(() => device.values(section(x, 60, [10]))).toThrow(ShapeError);
  device.dispose();
  expect(() => add(x, x)).toThrow(DisposedError);
});
