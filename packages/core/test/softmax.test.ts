import { ShapeError, softmax, softmaxOp, sum, tensor, ValueError } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkGradients } from './gradient-check.ts';

const device = referenceDevice();
const position = (p: number) => tensor(device, [p], [1], 'i32');
/** Which columns each row sees, from a softmax of zeros. */
const seen = (queries: number, keys: number, options: Parameters<typeof softmax>[1]) => {
  const y = device.values(
    softmax(tensor(device, new Float32Array(queries * keys), [queries, keys]), options),
  );
  return Array.from({ length: queries }, (_, i) =>
    Array.from(y.subarray(i * keys, (i + 1) * keys), (p) => (p > 0 ? 'x' : '.')).join(''),
  );
};

test('probabilities of known logits', () => {
  const logits = [0, Math.log(2), Math.log(5), 1e4, 1e4, 1e4 + Math.log(2)];
  const y = device.values(softmax(tensor(device, logits, [2, 3])));
  [1 / 8, 2 / 8, 5 / 8, 1 / 4, 1 / 4, 2 / 4].forEach((expected, i) => {
    expect(y[i]).toBeCloseTo(expected, 11);
  });
  expect([...device.values(softmax(tensor(device, [-7], [1, 1])))]).toEqual([1]);
});

test('the causal mask is aligned to the last column, or starts at a position', () => {
  expect(seen(3, 3, { causal: true })).toEqual(['x..', 'xx.', 'xxx']);
  expect(seen(2, 4, { causal: true })).toEqual(['xxx.', 'xxxx']);
  expect(seen(2, 4, { causal: true, position: position(0) })).toEqual(['x...', 'xx..']);
  expect(seen(1, 4, { causal: true, position: position(2) })).toEqual(['xxx.']);
  expect(seen(2, 4, { causal: true, position: position(9) })).toEqual(['xxxx', 'xxxx']);
  expect(seen(3, 2, { causal: true, position: position(0) })).toEqual(['x.', 'xx', 'xx']);
});

test('each row of the batch may have a position and first columns of its own', () => {
  const x = tensor(device, new Float32Array(2 * 2 * 3), [2, 1, 2, 3]);
  const shown = (options: Parameters<typeof softmax>[1]) =>
    Array.from(device.values(softmax(x, { causal: true, ...options })), (p) => (p > 0 ? 'x' : '.')).join('');
  expect(shown({ position: tensor(device, [0, 1], [2], 'i32') })).toBe('x..xx.xx.xxx');
  const first = tensor(device, [0, 2, 1, 9], [2, 2], 'i32');
  expect(shown({ first })).toBe('xx...x.x....');
  expect(shown({ first, position: tensor(device, [0, 1], [2], 'i32') })).toBe('x.....' + '.x....');
});

test('a window hides what is too far back', () => {
  expect(seen(4, 4, { causal: true, window: 2 })).toEqual(['x...', 'xx..', '.xx.', '..xx']);
  expect(seen(4, 4, { causal: true, window: 1 })).toEqual(['x...', '.x..', '..x.', '...x']);
  expect(seen(3, 3, { causal: true, window: 99 })).toEqual(['x..', 'xx.', 'xxx']);
});

test('a row that sees nothing is all zeros', () => {
  expect(seen(2, 3, { causal: true, position: position(-2) })).toEqual(['...', '...']);
  expect(seen(1, 3, { causal: true, window: 2, position: position(50) })).toEqual(['...']);
});

test('hidden entries cannot poison a row, seen ones do', () => {
  const x = tensor(device, [1, Number.NaN, Number.NaN, 2], [2, 2]);
  expect([...device.values(softmax(x, { causal: true }))]).toEqual([1, 0, Number.NaN, Number.NaN]);
  const infinite = tensor(device, [1, Number.POSITIVE_INFINITY]);
  expect(device.values(softmax(infinite)).some(Number.isNaN)).toBe(true);
  const masked = tensor(device, [1, Number.NEGATIVE_INFINITY]);
  expect([...device.values(softmax(masked))]).toEqual([1, 0]);
});

test('rows sum to one and do not move when a row is shifted', () => {
  const logit = fc.double({ min: -50, max: 50, noNaN: true });
  fc.assert(
    fc.property(fc.array(logit, { minLength: 1, maxLength: 9 }), logit, (row, shift) => {
      const y = softmax(tensor(device, row));
      expect(device.values(sum(y))[0]).toBeCloseTo(1, 12);
      const moved = device.values(
        softmax(
          tensor(
            device,
            row.map((x) => x + shift),
          ),
        ),
      );
      device.values(y).forEach((p, i) => {
        expect(moved[i]).toBeCloseTo(p, 12);
      });
    }),
  );
});

test('gradients, also behind masks', () => {
  checkGradients(({ x }) => softmax(x), { x: { shape: [3, 4] } });
  checkGradients(({ x }) => softmax(x, { causal: true }), { x: { shape: [2, 3, 3] } });
  checkGradients(({ x }) => softmax(x, { causal: true, window: 2 }), { x: { shape: [3, 4] } });
  checkGradients(({ x }) => softmax(x, { causal: true, position: tensor(x.device, [1], [1], 'i32') }), {
    x: { shape: [2, 4] },
  });
});

test('what does not fit is refused', () => {
  const x = { dtype: 'f32', shape: [3, 2] } as const;
  const p = { dtype: 'i32', shape: [1] } as const;
  const causal = { causal: true, window: 0 };
  expect(() => softmaxOp.infer({ x }, causal)).toThrow(ShapeError);
  expect(() => softmaxOp.infer({ x }, causal)).toThrow('[softmax] a causal x [..., Tq, Tk] needs Tq <= Tk');
  expect(() => softmaxOp.infer({ x: { dtype: 'f32', shape: [4] } }, causal)).toThrow(ShapeError);
  expect(() => softmaxOp.infer({ x: { dtype: 'f32', shape: [] } }, { causal: false, window: 0 })).toThrow(
    ShapeError,
  );
  expect(() => softmaxOp.infer({ x }, { causal: false, window: 2 })).toThrow(ValueError);
  expect(() => softmaxOp.infer({ x, position: p }, { causal: false, window: 0 })).toThrow('causal: true');
  expect(() => softmaxOp.infer({ x, position: p }, { causal: true, window: -1 })).toThrow(
    '[softmax] window must be a whole number of at least 0, got -1',
  );
  expect(() => softmaxOp.infer({ x, position: { ...p, shape: [2] } }, causal)).toThrow(ShapeError);
  const first = { dtype: 'i32', shape: [3, 2] } as const;
  expect(() => softmaxOp.infer({ x, first }, { causal: false, window: 0 })).toThrow('causal: true');
  expect(() => softmaxOp.infer({ x: { dtype: 'f32', shape: [3, 2, 2] }, first }, causal)).toThrow(
    '[softmax] with first, x must be [B, H, Tq, Tk], got [3, 2, 2]',
  );
  expect(() => softmaxOp.infer({ x: { dtype: 'f32', shape: [3, 1, 3, 3] }, first }, causal)).toThrow(
    '[softmax] first must have shape [3, 3], got [3, 2]',
  );
  expect(() => softmaxOp.infer({ x, position: { ...p, dtype: 'f32' } }, causal)).toThrow(
    '[softmax] position must be i32, got f32',
  );
});
