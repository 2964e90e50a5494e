import { cast, DTypeError, ShapeError, type Tensor, tensor, ValueError } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { compact, encodeInt8, sparsify } from '@qsparse/quantizers';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const device = referenceDevice();
const read = (x: Tensor | undefined) => Array.from(device.values(x!));

test('lists entries that are not zero in order, and fills up with zeros', () => {
  const x = tensor(device, [0, -4, 0, 2, -0, 0, 0, 0, 1, 2, 3, 4], [3, 4]);
  const { indices, values, count, scale } = compact(x, { k: 3 });
  expect([indices, values, count].map(({ dtype, shape }) => [dtype, shape])).toEqual([
    ['i32', [3, 3]],
    ['f32', [3, 3]],
    ['i32', [3]],
  ]);
  expect(read(indices)).toEqual([1, 3, 0, 0, 0, 0, 0, 1, 2]);
  expect(read(values)).toEqual([-4, 2, 0, 0, 0, 0, 1, 2, 3]);
  expect(read(count)).toEqual([2, 0, 3]);
  expect(scale).toBeUndefined();
});

test('levels are integers of the largest magnitude, also of one that has no place', () => {
  const { values, scale } = compact(tensor(device, [1, -2, 0, 4], [4]), { k: 2, int8: true });
  expect([values.dtype, values.shape, scale!.shape]).toEqual(['i8', [2], []]);
  expect(read(values)).toEqual([32, -64]); // 127 / 4 = 31.75 and 63.5, to the even one
  expect(read(scale)[0]).toBeCloseTo(4 / 127, 15);
  const zeros = compact(tensor(device, [0, 0], [1, 2]), { int8: true });
  expect([read(zeros.count), read(zeros.values)]).toEqual([[0], [0, 0]]);
  expect(read(zeros.scale)[0]).toBeCloseTo(1e-5 / 127, 15);
});

test('finds the integers of numbers that were rounded to int8 levels, in f32 and in bf16', () => {
  const entry = fc.double({ min: -8, max: 8, noNaN: true }).map((x) => Math.fround(x));
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 40 }), fc.boolean(), (row, half) => {
      const given = tensor(device, row, [1, row.length]);
      const x = half ? cast(given, 'bf16') : given;
      const levels = sparsify(x, { int8: true });
      const { indices, values, count } = compact(levels, { int8: true });
      const expected = encodeInt8(read(x)).values;
      const found = read(count)[0]!;
      const codes = new Int8Array(row.length);
      for (let j = 0; j < found; j++) codes[read(indices)[j]!] = read(values)[j]!;
      expect(codes).toEqual(expected);
    }),
  );
});

test('a row that is not finite shows in its scale, or in its values', () => {
  const x = tensor(device, [1, Number.NaN, 2, 3], [2, 2]);
  const codes = compact(x, { int8: true });
  expect(read(codes.values)).toEqual([0, 0, 85, 127]);
  expect(read(codes.scale)[0]).toBeNaN();
  expect(read(compact(x).values)).toEqual([1, Number.NaN, 2, 3]);
});

test('refuses what makes no list', () => {
  const x = tensor(device, [1, 2, 3], [3]);
  expect(() => compact(x, { k: 4 })).toThrow(
    new ValueError('compact', 'k must be a whole number from 1 to 3, the row, got 4'),
  );
  for (const k of [0, 1.5, Number.NaN]) expect(() => compact(x, { k })).toThrow(ValueError);
  expect(() => compact(tensor(device, [1], []))).toThrow(ShapeError);
  expect(() => compact(tensor(device, [1], [1], 'i32'))).toThrow(DTypeError);
});
