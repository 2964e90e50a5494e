import { DTypeError, paramArena, ShapeError, tensor } from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import { decodeRows, encodeInt8, quantizeInt8, quantizeInt8Op } from '@qsparse/quantizers';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { gradientsOf } from './gradient.ts';

const device = referenceDevice();
const quantized = (values: readonly number[], width: number) =>
  Array.from(
    device.values(quantizeInt8(tensor(device, Float64Array.from(values), [values.length / width, width]))),
  );

test('halves go to the even level; the largest magnitude stays as it is', () => {
  expect(quantized([127, 0.5, 1.5, 2.5, -0.5, -1.5, -126.5, 126.4], 8)).toEqual([
    127, 0, 2, 2, 0, -2, -126, 126,
  ]);
  expect(quantized([3, -1.5, 0, 6, -6, 6], 3)).toEqual([3, (-64 * 3) / 127, 0, 6, -6, 6]);
});

test('the op is encode and decode in one', () => {
  const number = fc.float({ min: -1e6, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(fc.array(number, { minLength: 1, maxLength: 20 }), (row) => {
      const values = [...row, ...row.map((value) => value / 7)];
      const back = decodeRows(encodeInt8(values, row.length));
      quantized(values, row.length).forEach((value, i) => {
        expect(Math.abs(value - back[i]!)).toBeLessThanOrEqual(Math.abs(value) * 1e-7);
      });
    }),
  );
});

test('a row of zeros stays zero', () => {
  expect(quantized([0, 0, 1e-9, 0], 2)).toEqual([0, 0, 0, 0]);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('%d makes its row NaN', (bad) => {
  expect(quantized([1, 1, bad, 0, 2, 2], 2)).toEqual([1, 1, Number.NaN, Number.NaN, 2, 2]);
});

test('the gradient passes straight through and costs nothing', () => {
  const dy = [1, -2, 3, 0.5];
  expect(gradientsOf({ w: [0.3, -1.7, 2, 0] }, 4, dy, ({ w }) => quantizeInt8(w!))).toEqual({ w: dy });
  const w = paramArena(nullDevice(), [{ name: 'w', shape: [4] }]).params.get('w')!;
  expect(quantizeInt8(w).value).toBe(w.value);
});

test('dtypes and shapes', () => {
  expect(quantizeInt8Op.infer({ x: { dtype: 'bf16', shape: [2, 8] } }, null)).toEqual({
    y: { dtype: 'bf16', shape: [2, 8] },
  });
  expect(() => quantizeInt8(tensor(device, [1], []))).toThrow(ShapeError);
  expect(() => quantizeInt8(tensor(device, [1, 2], [2], 'i32'))).toThrow(DTypeError);
});
