import {
  backward,
  cast,
  DTypeError,
  fromBf16Bits,
  matmul,
  normal,
  paramArena,
  ShapeError,
  scope,
  sum,
  tensor,
  toBf16Bits,
  ValueError,
} from '@qsparse/core';
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

test('each section has an alpha of its own, and spoils itself alone', () => {
  const w = tensor(device, [1, -3, 40, 0, 20, -20, Number.NaN, 1], [4, 2]);
  const { y, alpha } = ternarize(w, { sections: [1, 2, 1] });
  expect(alpha.shape).toEqual([3]);
  expect([...device.values(alpha)]).toEqual([2, 20, Number.NaN]);
  expect(Array.from(device.values(y), (value) => value + 0)).toEqual([
    ...[0, -2, 20, 0, 20, -20],
    ...[Number.NaN, Number.NaN],
  ]);
  const one = ternarize(w, { sections: [4] });
  expect(one.alpha.shape).toEqual([1]);
  expect(device.values(one.alpha)[0]).toBeNaN();
});

test('sections are the matrices one by one, whatever their rank', () => {
  const w = normal(1, 0, 7 * 6);
  const { y, alpha } = ternarize(tensor(device, w, [7, 2, 3]), { sections: [4, 3] });
  const [first, second] = [ternarized([...w.slice(0, 24)]), ternarized([...w.slice(24)])];
  expect([...device.values(y)]).toEqual([...first.y, ...second.y]);
  expect([...device.values(alpha)]).toEqual([first.alpha, second.alpha]);
});

test('f32 weights give a bf16 result, rounded from the f32 alpha; the gradient comes back in f32', () => {
  const arena = paramArena(device, [{ name: 'w', shape: [2, 2] }]);
  const w = arena.params.get('w')!;
  device.write(w, Float64Array.of(1.1, -1.3, 0.1, 1.7));
  const mean = (1.1 + 1.3 + 0.1 + 1.7) / 4;
  scope(() => {
    const { y, alpha } = ternarize(w, { dtype: 'bf16' });
    expect(y.dtype).toBe('bf16');
    const rounded = fromBf16Bits(toBf16Bits(mean));
    expect([...device.values(y)]).toEqual([rounded, -rounded, 0, rounded]);
    expect(device.values(alpha)[0]).toBeCloseTo(mean, 14);
    const x = tensor(device, [1, 2, 3, 4], [2, 2], 'bf16');
    const loss = sum(cast(matmul(x, y), 'f32'));
    backward(loss, arena.params.values());
  });
  // d/dw[k, j] of the sum is the sum of column k of x.
  expect([...device.values(w.grad)]).toEqual([4, 4, 6, 6]);
});

test('dtypes and shapes', () => {
  const whole = { sections: [], dtype: 'bf16' } as const;
  const alpha = { dtype: 'f32', shape: [] };
  const y = { dtype: 'bf16', shape: [4, 8] };
  expect(ternarizeOp.infer({ w: { dtype: 'bf16', shape: [4, 8] } }, whole)).toEqual({ y, alpha });
  expect(ternarizeOp.infer({ w: { dtype: 'f32', shape: [4, 8] } }, whole)).toEqual({ y, alpha });
  expect(() => ternarize(tensor(device, [1, 2], [2], 'i32'))).toThrow(DTypeError);
  const bf16 = tensor(device, [1, 2], [2], 'bf16');
  expect(() => ternarize(bf16, { dtype: 'f32' })).toThrow(
    '[ternarize] y must be bf16, as w is, got f32; use cast()',
  );
  const f32 = tensor(device, [1, 2], [2]);
  expect(() => ternarize(f32, { dtype: 'i8' as 'f32' })).toThrow(DTypeError);
});

test.each([
  [[1, 1], ShapeError, /sections must add up to the rows of w, 1 \+ 1 = 2 for w \[3, 2\]/],
  [[3, 0], ValueError, /a section must be a whole number of at least 1 rows, got 0/],
  [[1.5, 1.5], ValueError, /got 1.5/],
  [[4, -1], ValueError, /got -1/],
  [[Number.NaN], ValueError, /got NaN/],
])('refuses sections %o', (sections, error, message) => {
  const w = tensor(device, [1, 2, 3, 4, 5, 6], [3, 2]);
  expect(() => ternarize(w, { sections })).toThrow(error);
  expect(() => ternarize(w, { sections })).toThrow(message);
});

test('a scalar has no rows to split', () => {
  expect(() => ternarize(tensor(device, [1], []), { sections: [1] })).toThrow(ShapeError);
  expect(ternarize(tensor(device, [1], [])).alpha.shape).toEqual([]);
});
