import { adamw, adamwHyper, DTypeError, normal, ShapeError, tensor, ValueError, zeros } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

const device = referenceDevice();
const base = { learningRate: 0.1, weightDecay: 0.2, beta1: 0.8, beta2: 0.9, step: 1, clipNorm: 0 };
const attrs = { beta1: 0.8, beta2: 0.9, epsilon: 1e-3, decay: true };

function arena(value: ArrayLike<number>) {
  const n = [value.length];
  return { value: tensor(device, value), m: zeros(device, n), v: zeros(device, n) };
}
const step = (
  state: ReturnType<typeof arena>,
  grad: ArrayLike<number>,
  norm: number,
  hyper: Partial<typeof base> = {},
  options: Partial<typeof attrs> = {},
) =>
  adamw(
    {
      ...state,
      grad: tensor(device, grad),
      norm: tensor(device, [norm], []),
      hyper: tensor(device, adamwHyper({ ...base, ...hyper })),
    },
    { ...attrs, ...options },
  );
const values = ({ value, m, v }: ReturnType<typeof arena>) =>
  [value, m, v].map((x) => Array.from(device.values(x)));

test('three steps equal the published algorithm, element by element', () => {
  const start = normal(4, 0, 5);
  const state = arena(start);
  const expected = Array.from(start, (value) => ({ value, m: 0, v: 0 }));
  for (let t = 1; t <= 3; t++) {
    const grad = normal(4, t, 5);
    step(state, grad, 1, { step: t });
    expected.forEach((one, i) => {
      const g = grad[i]!;
      one.value -= 0.1 * 0.2 * one.value;
      one.m += (1 - 0.8) * (g - one.m);
      one.v += (1 - 0.9) * (g * g - one.v);
      const [mHat, vHat] = [one.m / (1 - 0.8 ** t), one.v / (1 - 0.9 ** t)];
      one.value -= (0.1 * mHat) / (Math.sqrt(vHat) + 1e-3);
    });
  }
  const [value, m, v] = values(state);
  expected.forEach((one, i) => {
    expect(value![i]).toBeCloseTo(one.value, 13);
    expect(m![i]).toBeCloseTo(one.m, 13);
    expect(v![i]).toBeCloseTo(one.v, 13);
  });
});

test('without decay only the gradient moves a value', () => {
  const state = arena([5, 5]);
  step(state, [0, 2], 2, {}, { decay: false, epsilon: 0 });
  // The first step is the learning rate in the direction of the gradient; 0 / 0 would be NaN without epsilon.
  expect(values(state)[0]![1]).toBeCloseTo(4.9, 13);
  const still = arena([5]);
  step(still, [0], 0, {}, { decay: false });
  expect(values(still)).toEqual([[5], [0], [0]]);
});

test('clipping scales the gradient down to the limit and never up', () => {
  const m = (norm: number, clipNorm: number) => {
    const state = arena([1]);
    step(state, [3], norm, { clipNorm });
    return values(state)[1]![0]!;
  };
  expect(m(10, 0)).toBeCloseTo(0.6, 13);
  expect(m(10, 1)).toBeCloseTo((0.6 * 1) / (10 + 1e-6), 13);
  expect(m(0.5, 1)).toBeCloseTo(0.6, 13);
  expect(m(0, 1)).toBeCloseTo(0.6, 13);
});

test('a norm that is not finite changes nothing, whatever the gradient', () => {
  for (const norm of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const state = arena([1, 2]);
    step(state, [1, 1], 1);
    const before = values(state);
    step(state, [Number.NaN, 1], norm, { step: 2, clipNorm: 1 });
    expect(values(state)).toEqual(before);
  }
});

test('what does not fit is named', () => {
  const state = arena([1, 2]);
  const scalars = { norm: zeros(device, []), hyper: zeros(device, [8]) };
  const grad = zeros(device, [2]);
  expect(() => adamw({ ...state, ...scalars, grad: zeros(device, [3]) })).toThrow(
    '[adamw] grad must have shape [2], got [3]',
  );
  expect(() => adamw({ ...state, ...scalars, grad, v: zeros(device, [1, 2]) })).toThrow(ShapeError);
  expect(() => adamw({ ...state, ...scalars, grad, hyper: zeros(device, [5]) })).toThrow(
    '[adamw] hyper must have shape [8], got [5]',
  );
  expect(() => adamw({ ...state, ...scalars, grad: zeros(device, [2], 'i32') })).toThrow(DTypeError);
  expect(() => adamw({ ...state, ...scalars, grad }, { beta2: 1 })).toThrow(
    '[adamw] beta2 must be in [0, 1), got 1',
  );
  expect(() => adamw({ ...state, ...scalars, grad }, { epsilon: Number.NaN })).toThrow(ValueError);
});
