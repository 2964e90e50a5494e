import { DTypeError, paramArena, tensor } from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import { encodeTernary, ternarize, ternarizeOp } from '@qsparse/quantizers';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { gradientsOf } from './gradient.ts';

const device = referenceDevice();
function ternarized(values: readonly number[], shape: readonly number[] = [values.length]) {
  const { y, alpha } = ternarize(tensor(device, Float64Array.from(values), shape));
  return { y: Array.from(device.values(y)), alpha: device.values(alpha)[0]!, shape: y.shape };
}

test('alpha is the mean magnitude of the whole tensor; halves go to the even value', () => {
  const { y, alpha, shape } = ternarized([1, 3, -1, -3], [2, 2]);
  expect(alpha).toBe(2);
  expect(y.map(Math.abs)).toEqual([0, 2, 0, 2]);
  expect(y[3]).toBe(-2);
  expect(shape).toEqual([2, 2]);
});

test('the op is encode and decode in one', () => {
  const number = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(fc.array(number, { minLength: 1, maxLength: 30 }), (w) => {
      const { values, scale } = encodeTernary(w);
      const { y, alpha } = ternarized(w);
      expect(alpha).toBe(scale);
      y.forEach((value, i) => {
        expect(Math.abs(value - values[i]! * scale)).toBe(0);
      });
    }),
  );
});

test('zeros stay zeros, with alpha at its lower bound', () => {
  expect(ternarized([0, 0, 0])).toMatchObject({ y: [0, 0, 0], alpha: 1e-5 });
  expect(ternarized([1e-9, 1e-9]).y).toEqual([0, 0]);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
  '%d makes everything NaN',
  (bad) => {
    const { y, alpha } = ternarized([1, bad, 0, 2]);
    expect([...y, alpha]).toEqual(Array(5).fill(Number.NaN));
  },
);

test('the gradient of y goes to w unchanged; alpha has none', () => {
  const dy = [1, -2, 3, 0.5];
  expect(gradientsOf({ w: [0.3, -1.7, 2, 0] }, 4, dy, ({ w }) => ternarize(w!).y)).toEqual({ w: dy });
  const w = paramArena(nullDevice(), [{ name: 'w', shape: [4, 4] }]).params.get('w')!;
  const { y, alpha } = ternarize(w);
  expect(y.value).toBe(w.value);
  expect(alpha.value).toBeUndefined();
});

test('dtypes and shapes', () => {
  expect(ternarizeOp.infer({ w: { dtype: 'bf16', shape: [4, 8] } }, null)).toEqual({
    y: { dtype: 'bf16', shape: [4, 8] },
    alpha: { dtype: 'f32', shape: [] },
  });
  expect(() => ternarize(tensor(device, [1, 2], [2], 'i32'))).toThrow(DTypeError);
});
