import { DTypeError, full, kvAppend, ShapeError, tensor, zeros } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

const device = referenceDevice();
const position = (at: number) => tensor(device, [at], [1], 'i32');
/** Two batches of three places, one head of two entries. */
const cache = () => full(device, [2, 3, 1, 2], 9);
const x = (tokens: number) =>
  tensor(
    device,
    Float64Array.from({ length: 4 * tokens }, (_, i) => i + 1),
    [2, tokens, 1, 2],
  );
const after = (tokens: number, at: number) => {
  const target = cache();
  kvAppend(target, x(tokens), position(at));
  return Array.from(device.values(target));
};

test('tokens land at their position in every batch, the rest stays', () => {
  expect(after(1, 1)).toEqual([9, 9, 1, 2, 9, 9, 9, 9, 3, 4, 9, 9]);
  expect(after(2, 0)).toEqual([1, 2, 3, 4, 9, 9, 5, 6, 7, 8, 9, 9]);
  expect(after(3, 0)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
});

test('each row of the batch may have a position of its own', () => {
  const target = cache();
  kvAppend(target, x(2), tensor(device, [2, -1], [2], 'i32'));
  expect(Array.from(device.values(target))).toEqual([9, 9, 9, 9, 1, 2, 7, 8, 9, 9, 9, 9]);
});

test('tokens outside the cache are skipped', () => {
  expect(after(2, 2)).toEqual([9, 9, 9, 9, 1, 2, 9, 9, 9, 9, 5, 6]);
  expect(after(2, -1)).toEqual([3, 4, 9, 9, 9, 9, 7, 8, 9, 9, 9, 9]);
  for (const at of [3, -2, 2 ** 31 - 1, -(2 ** 31)]) expect(new Set(after(2, at))).toEqual(new Set([9]));
});

test('what does not fit is named', () => {
  const at = position(0);
  expect(() => kvAppend(cache(), zeros(device, [1, 1, 1, 2]), at)).toThrow(
    '[kv-append] cache must be [B, S, G, D] and x [B, T, G, D], got [2, 3, 1, 2] and [1, 1, 1, 2]',
  );
  expect(() => kvAppend(cache(), zeros(device, [2, 1, 2, 1]), at)).toThrow(ShapeError);
  expect(() => kvAppend(cache(), zeros(device, [2, 1, 2]), at)).toThrow(ShapeError);
  expect(() => kvAppend(cache(), x(1), zeros(device, [1]))).toThrow(DTypeError);
  expect(() => kvAppend(cache(), x(1), zeros(device, [3], 'i32'))).toThrow(
    'position must have shape [1] or [2], one for each row of the batch, got [3]',
  );
  expect(() => kvAppend(cache(), zeros(device, [2, 1, 1, 2], 'i32'), at)).toThrow(DTypeError);
});
