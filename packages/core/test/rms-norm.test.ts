import {
  backward,
  cast,
  castStraightThrough,
  DTypeError,
  matmul,
  normal,
  type Param,
  paramArena,
  reshape,
  rmsNorm,
  rmsNormOp,
  run,
  ShapeError,
  scope,
  sum,
  TapeError,
  tensor,
  ValueError,
  zeros,
} from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { checkGradients } from './gradient-check.ts';

const device = referenceDevice();

test('every row is divided by its own root mean square and weighted', () => {
  const x = normal(1, 0, 12);
  const weight = normal(1, 1, 4);
  const { y, inverseRms } = run(
    rmsNormOp,
    { x: tensor(device, x, [3, 1, 4]), weight: tensor(device, weight) },
    { epsilon: 0.01 },
  );
  expect(y.shape).toEqual([3, 1, 4]);
  expect(inverseRms.shape).toEqual([3]);
  for (let row = 0; row < 3; row++) {
    const entries = x.slice(row * 4, row * 4 + 4);
    const rms = Math.sqrt(entries.reduce((sum, entry) => sum + (entry * entry) / 4, 0.01));
    expect(device.values(inverseRms)[row]).toBeCloseTo(1 / rms, 14);
    entries.forEach((entry, i) => {
      expect(device.values(y)[row * 4 + i]).toBeCloseTo((entry / rms) * weight[i]!, 14);
    });
  }
});

test('without a weight it only normalises, and [n] is one row', () => {
  const { y, inverseRms } = run(rmsNormOp, { x: tensor(device, [3, 4]) }, { epsilon: 1e-12 });
  expect(inverseRms.shape).toEqual([1]);
  const rms = Math.sqrt(12.5);
  expect(device.values(y)[0]).toBeCloseTo(3 / rms, 10);
  expect(device.values(y)[1]).toBeCloseTo(4 / rms, 10);
});

test('a row of zeros gives zeros, and a finite gradient', () => {
  expect(Array.from(device.values(rmsNorm(zeros(device, [2, 3]), undefined)))).toEqual([0, 0, 0, 0, 0, 0]);
  checkGradients(({ x }) => rmsNorm(x, undefined, { epsilon: 0.5 }), {
    x: { shape: [2, 2], values: [0, 0, 1, -1] },
  });
});

test('NaN stays in its row', () => {
  const y = device.values(rmsNorm(tensor(device, [1, Number.NaN, 1, 1], [2, 2]), undefined));
  expect([...y].map(Number.isNaN)).toEqual([true, true, false, false]);
});

test('gradients equal finite differences, with and without a weight', () => {
  const x = { shape: [2, 3, 5] };
  checkGradients(({ x, weight }) => rmsNorm(x, weight, { epsilon: 0.1 }), { x, weight: { shape: [5] } });
  checkGradients(({ x }) => rmsNorm(x, undefined), { x });
  checkGradients(({ x }) => rmsNorm(x, undefined), { x: { shape: [4, 1] } });
});

test('gradients are added in place: no buffer of their own, no separate addition', () => {
  const counter = nullDevice();
  const { params, dispose } = paramArena(counter, [
    { name: 'x', shape: [2, 4] },
    { name: 'weight', shape: [4] },
  ]);
  const [x, weight] = [params.get('x') as Param, params.get('weight') as Param];
  scope(() => {
    const ones = zeros(counter, [8, 1]);
    const loss = matmul(reshape(rmsNorm(x, weight), [1, 8]), ones);
    counter.resetCounts();
    backward(loss, [x, weight]);
  });
  expect(counter.counts().launches).toEqual({ fill: 1, matmul: 1, 'rms-norm-backward': 1 });
  dispose();
});

test('what does not fit is named', () => {
  const x = zeros(device, [2, 4]);
  const run1 = (attrs: { epsilon: number }) => () => rmsNorm(x, undefined, attrs);
  expect(() => rmsNorm(x, zeros(device, [3]))).toThrow('[rms-norm] weight must have shape [4], got [3]');
  expect(() => rmsNorm(x, zeros(device, [3]))).toThrow(ShapeError);
  expect(() => rmsNorm(zeros(device, []), undefined)).toThrow(
    '[rms-norm] x needs at least 1 dimensions, got []',
  );
  expect(() => rmsNorm(zeros(device, [2], 'i32'), undefined)).toThrow(DTypeError);
  expect(run1({ epsilon: 0 })).toThrow('[rms-norm] epsilon must be finite and more than 0, got 0');
  expect(run1({ epsilon: Number.NaN })).toThrow(ValueError);
});

test('a loss from inverseRms is refused, since its gradient would be lost', () => {
  const { params, dispose } = paramArena(device, [{ name: 'x', shape: [1, 3] }]);
  const x = params.get('x') as Param;
  expect(() => scope(() => backward(run(rmsNormOp, { x }, { epsilon: 1 }).inverseRms, [x]))).toThrow(
    TapeError,
  );
  dispose();
});

test('the weight may be f32 beside a bf16 x, and its gradient is; no other mixture', () => {
  const bf16 = { dtype: 'bf16', shape: [2, 4] } as const;
  const weight = { dtype: 'f32', shape: [4] } as const;
  expect(rmsNormOp.infer({ x: bf16, weight }, { epsilon: 1 }).y).toEqual(bf16);
  const low = { ...weight, dtype: 'bf16' } as const;
  expect(() => rmsNormOp.infer({ x: { ...bf16, dtype: 'f32' }, weight: low }, { epsilon: 1 })).toThrow(
    '[rms-norm] weight must be f32, got bf16; use cast()',
  );
  const counter = nullDevice();
  const { params, dispose } = paramArena(counter, [
    { name: 'x', shape: [2, 4] },
    { name: 'weight', shape: [4] },
  ]);
  const [x, w] = [params.get('x') as Param, params.get('weight') as Param];
  scope(() => {
    const loss = sum(cast(rmsNorm(castStraightThrough(x, 'bf16'), w), 'f32'));
    counter.resetCounts();
    backward(loss, [x, w]);
  });
  expect(counter.counts().launches).toEqual({ fill: 1, broadcast: 1, cast: 1, 'rms-norm-backward': 1 });
  dispose();
});
