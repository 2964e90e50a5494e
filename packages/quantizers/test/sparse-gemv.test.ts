import { DTypeError, matmul, ShapeError, type Tensor, tensor } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { compact, sparseGemv, sparseGemvOp, sparsify } from '@qsparse/quantizers';
import { expect, test } from 'vitest';

const device = referenceDevice();
const read = (x: Tensor) => Array.from(device.values(x));
const x = tensor(device, [0, 2, 0, -1, 0, 0, 0, 0], [2, 4]);
// Channel by channel: inputs 0 to 3, three outputs each.
const w = tensor(device, [9, 9, 9, 1, 2, 3, 9, 9, 9, 4, 0, -1], [4, 3]);

test('adds up active channels alone', () => {
  const list = compact(x, { k: 3 });
  expect(read(sparseGemv(list, w))).toEqual([-2, 4, 7, 0, 0, 0]);
  const add = tensor(device, [1, 1, 1, 5, 6, 7], [2, 3]);
  const scales = tensor(device, [1, 10, 100], [3]);
  expect(read(sparseGemv(list, w, { scales, add }))).toEqual([-1, 41, 701, 5, 6, 7]);
});

test('a channel that is not active is not looked at', () => {
  const broken = tensor(device, [Number.NaN, 1, 2, 3, 4, 5, 6, 7], [4, 2]);
  const { indices, values, count } = compact(tensor(device, [0, 1, 0, 1], [4]), { k: 3 });
  expect(read(sparseGemv({ indices, values, count }, broken))).toEqual([8, 10]);
});

test('is the product with the masked row, in each of its dtypes', () => {
  const row = tensor(device, [3, -1, 0.5, 2, -7, 0.25], [1, 6]);
  const numbers = Array.from({ length: 30 }, (_, i) => (i % 7) - 3);
  const masked = sparsify(row, { k: 3 });
  const expected = read(matmul(masked, tensor(device, numbers, [6, 5])));
  for (const dtype of ['f32', 'bf16', 'i8'] as const) {
    const weights = tensor(device, numbers, [6, 5], dtype);
    expect(read(sparseGemv(compact(masked, { k: 3 }), weights)), dtype).toEqual(expected);
  }
});

test('an index outside of w makes its row NaN', () => {
  const list = {
    indices: tensor(device, [0, 4], [2, 1], 'i32'),
    values: tensor(device, [1, 1], [2, 1]),
    count: tensor(device, [1, 1], [2], 'i32'),
  };
  expect(read(sparseGemv(list, w))).toEqual([9, 9, 9, NaN, NaN, NaN]);
});

test('refuses what does not belong together', () => {
  const list = compact(x, { k: 3 });
  const types = { ...list, w, scale: undefined };
  const infer = (change: object) => () => sparseGemvOp.infer({ ...types, ...change }, { dtype: 'f32' });
  expect(infer({ count: tensor(device, [1], [1], 'i32') })).toThrow(
    new ShapeError(
      'sparse-gemv',
      'a list is indices [..., k], values [..., k] and count [...], got [2, 3], [2, 3] and [1]',
      'compact() makes one',
    ),
  );
  expect(infer({ w: tensor(device, [1], [1]) })).toThrow(
    '[sparse-gemv] w must be [inputs, outputs], got [1]',
  );
  expect(infer({ w: tensor(device, [1], [1, 1], 'i32') })).toThrow(DTypeError);
  expect(infer({ values: compact(x, { k: 3, int8: true }).values })).toThrow(DTypeError);
  expect(infer({ scales: tensor(device, [1, 2], [2]) })).toThrow(ShapeError);
  expect(infer({ add: tensor(device, [1, 2, 3], [3]) })).toThrow(ShapeError);
  expect(infer({ add: tensor(device, [1, 2, 3, 4, 5, 6], [2, 3], 'bf16') })).toThrow(DTypeError);
});
