import { normal, rmsNormBackwardOp, run, type Tensor, type Type, tensor, zeros } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

const device = referenceDevice();
const inputs = () => ({
  dy: tensor(device, normal(2, 0, 6), [2, 3]),
  x: tensor(device, normal(2, 1, 6), [2, 3]),
  weight: tensor(device, normal(2, 2, 3)),
  inverseRms: tensor(device, [0.7, 1.3]),
});

test('given where to add, it adds and returns the very tensors', () => {
  const plain = run(rmsNormBackwardOp, inputs(), null);
  const intoX = tensor(device, [1, 2, 3, 4, 5, 6], [2, 3]);
  const intoWeight = tensor(device, [10, 20, 30]);
  const added = run(rmsNormBackwardOp, { ...inputs(), intoX, intoWeight }, null);
  expect(added.dx).toBe(intoX);
  expect(added.dWeight).toBe(intoWeight);
  const sum = (a: Tensor, b: ArrayLike<number>) => Array.from(device.values(a), (value, i) => value + b[i]!);
  expect(Array.from(device.values(intoX))).toEqual(sum(plain.dx, [1, 2, 3, 4, 5, 6]));
  expect(Array.from(device.values(intoWeight))).toEqual(sum(plain.dWeight, [10, 20, 30]));
});

test('without a weight there is no gradient of one', () => {
  const { weight, ...rest } = inputs();
  expect(Object.keys(run(rmsNormBackwardOp, rest, null))).toEqual(['dx']);
  expect(() => run(rmsNormBackwardOp, { ...rest, intoWeight: weight }, null)).toThrow(
    '[rms-norm-backward] intoWeight needs weight, which is absent; pass both or neither',
  );
});

test('what does not fit is named', () => {
  const wrong = (change: Partial<Record<'dy' | 'inverseRms' | 'intoX' | 'intoWeight', Tensor>>) => () =>
    run(rmsNormBackwardOp, { ...inputs(), ...change }, null);
  expect(wrong({ dy: zeros(device, [3, 2]) })).toThrow('dy must have shape [2, 3], got [3, 2]');
  expect(wrong({ inverseRms: zeros(device, [3]) })).toThrow('inverseRms must have shape [2], got [3]');
  expect(wrong({ intoX: zeros(device, [6]) })).toThrow('intoX must have shape [2, 3], got [6]');
  expect(wrong({ intoWeight: zeros(device, [2]) })).toThrow('intoWeight must have shape [3], got [2]');
});

test('dtypes: what is added into decides, and it is f32 or that of its input', () => {
  const of = (dtype: 'f32' | 'bf16', ...shape: number[]) => ({ dtype, shape }) as const;
  const ins = { dy: of('bf16', 2, 3), x: of('bf16', 2, 3), inverseRms: of('f32', 2) };
  const dtypes = (more: Partial<Record<'weight' | 'intoX' | 'intoWeight', Type>>) => {
    const { dx, dWeight } = rmsNormBackwardOp.infer({ ...ins, ...more }, null);
    return [dx.dtype, dWeight?.dtype];
  };
  expect(dtypes({})).toEqual(['bf16', undefined]);
  expect(dtypes({ weight: of('f32', 3) })).toEqual(['bf16', 'f32']);
  expect(dtypes({ weight: of('bf16', 3) })).toEqual(['bf16', 'bf16']);
  expect(dtypes({ weight: of('bf16', 3), intoWeight: of('f32', 3) })).toEqual(['bf16', 'f32']);
  expect(dtypes({ intoX: of('f32', 2, 3) })).toEqual(['f32', undefined]);
  expect(() => dtypes({ weight: of('f32', 3), intoWeight: of('bf16', 3) })).toThrow(
    '[rms-norm-backward] intoWeight must be f32, got bf16',
  );
  const full = { dy: of('f32', 2, 3), x: of('f32', 2, 3), inverseRms: of('f32', 2) };
  for (const name of ['weight', 'intoX'] as const) {
    const wrong = { [name]: of('bf16', ...(name === 'weight' ? [3] : [2, 3])) };
    expect(() => rmsNormBackwardOp.infer({ ...full, ...wrong }, null)).toThrow(
      `${name} must be f32, got bf16`,
    );
  }
  expect(() => rmsNormBackwardOp.infer({ ...ins, dy: of('f32', 2, 3) }, null)).toThrow(
    'inputs must have one dtype, dy is f32 and x is bf16',
  );
});
