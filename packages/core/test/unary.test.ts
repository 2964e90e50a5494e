import {
  absolute,
  DTypeError,
  exp,
  gelu,
  log,
  negate,
  reciprocal,
  relu,
  silu,
  sqrt,
  square,
  squaredRelu,
  type Tensor,
  tensor,
  unaryOp,
} from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { checkGradients } from './gradient-check.ts';

const device = referenceDevice();
const at = (apply: (x: Tensor) => Tensor, ...x: number[]) => [...device.values(apply(tensor(device, x)))];

test('arithmetic', () => {
  expect(at(negate, 1, -2, 0)).toEqual([-1, 2, -0]);
  expect(at(exp, 0, 1)).toEqual([1, Math.E]);
  expect(at(log, 1, Math.E, 0, -1)).toEqual([0, 1, Number.NEGATIVE_INFINITY, Number.NaN]);
  expect(at(sqrt, 0, 2.25, -1)).toEqual([0, 1.5, Number.NaN]);
  expect(at(square, -3, 0.5)).toEqual([9, 0.25]);
  expect(at(reciprocal, -4, 0)).toEqual([-0.25, Number.POSITIVE_INFINITY]);
  expect(at(absolute, -4, 4)).toEqual([4, 4]);
});

test('activations at known points', () => {
  expect(at(relu, -2, 0, 3)).toEqual([0, 0, 3]);
  expect(at(squaredRelu, -2, 0, 3)).toEqual([0, 0, 9]);
  // x · sigmoid(x) and the tanh form of GELU, values of an arbitrary-precision calculator.
  expect(at(silu, 1)[0]).toBeCloseTo(0.7310585786300049, 14);
  expect(at(silu, -2)[0]).toBeCloseTo(-0.2384058440442351, 14);
  expect(at(gelu, 1)[0]).toBeCloseTo(0.8411919906082768, 14);
  expect(at(gelu, -1)[0]).toBeCloseTo(-0.15880800939172324, 14);
  expect(at(gelu, 0)[0]).toBe(0);
});

test('large inputs saturate without a NaN', () => {
  expect(at(silu, 1e4, -1e4)).toEqual([1e4, -0]);
  expect(at(gelu, 1e4, -1e4)).toEqual([1e4, -0]);
});

test('NaN stays NaN in every kind', () => {
  for (const apply of [negate, exp, log, sqrt, square, reciprocal, absolute, relu, squaredRelu, silu, gelu]) {
    expect(at(apply, Number.NaN)).toEqual([Number.NaN]);
  }
});

const anywhere = { shape: [2, 3], values: [0.3, -0.7, 1.9, -2.4, 0.05, -0.08] };
const positive = { shape: [2, 3], values: [0.3, 0.7, 1.9, 2.4, 0.5, 5] };
test.each([
  ['negate', negate, anywhere],
  ['exp', exp, anywhere],
  ['log', log, positive],
  ['sqrt', sqrt, positive],
  ['square', square, anywhere],
  ['reciprocal', reciprocal, positive],
  ['absolute', absolute, anywhere],
  ['relu', relu, anywhere],
  ['squared-relu', squaredRelu, anywhere],
  ['silu', silu, anywhere],
  ['gelu', gelu, anywhere],
] as const)('the gradient of %s', (_name, apply, x) => {
  checkGradients((tensors) => apply(tensors.x), { x });
});

test('only floats', () => {
  expect(() => unaryOp.infer({ x: { dtype: 'i32', shape: [1] } }, { kind: 'gelu' })).toThrow(DTypeError);
  expect(() => unaryOp.infer({ x: { dtype: 'i8', shape: [1] } }, { kind: 'gelu' })).toThrow(
    '[gelu] x must be f32 or bf16, got i8; use cast()',
  );
  expect(unaryOp.infer({ x: { dtype: 'bf16', shape: [2] } }, { kind: 'relu' }).y).toEqual({
    dtype: 'bf16',
    shape: [2],
  });
});
