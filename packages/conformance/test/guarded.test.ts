import { fillWith, section, type Tensor, tensor } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { dirtyPool, guardedPoison, guardedValues } from '../src/guarded.ts';

const device = referenceDevice();
const values = { dtype: 'f32', shape: [3], elements: Float64Array.of(1, 2, 3) } as const;

test.each([0, 3])('values come back, at shift %i', async (shift) => {
  const guard = guardedValues(device, values, shift);
  expect(guard.tensor.offset).toBe(256 + 4 * shift);
  expect(Array.from(await guard.read('x'))).toEqual([1, 2, 3]);
});

test.each(['f32', 'bf16', 'i32', 'i8'] as const)('a %s output starts as poison', async (dtype) => {
  const guard = guardedPoison(device, { dtype, shape: [2] }, 1);
  const poison = Array.from(await guard.read('y'));
  expect(new Set(poison.map(String)).size).toBe(1);
  expect(poison).not.toContain(0);
});

test.each([-1, 3, -64, 66])('a write to element %i is seen', async (place) => {
  const guard = guardedValues(device, values, 0);
  const at = guard.tensor.offset / 4 + place;
  const whole = section(guard.tensor, -guard.tensor.offset / 4, [1]);
  const neighbour: Tensor = section(whole, at, [1]);
  fillWith(neighbour, 5);
  await expect(guard.read('x')).rejects.toThrow(`x: element ${place} was written`);
});

test('guards give their memory back', () => {
  const before = device.memory();
  guardedValues(device, values, 0).dispose();
  dirtyPool(device, [10, 20]);
  expect(device.memory().live).toBe(before.live);
});

test('memory that is taken after dirtyPool holds no zeros', async () => {
  const other = referenceDevice();
  dirtyPool(other, [5]);
  const x = tensor(other, [1, 2, 3, 4, 5]);
  expect(other.memory().free).toBeGreaterThan(0);
  x.dispose();
});
