import { backward, type Param, paramArena, scope, sum, tensor, write } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { DENSE, type LinearConfig, type Site, selectInputs } from '@qsparse/layers';
import { expect, test } from 'vitest';

const device = referenceDevice();
const site: Site = { name: 'layers.0.o', norm: undefined, epsilon: 1e-5 };
const half: LinearConfig = { ...DENSE, sparsity: { kind: 'top-k', sparsity: 0.5 } };
const tokens = [1, -4, 2, 0.5, 0.25, 3, 3, -1];

const norms = (values: ArrayLike<number>): number[] =>
  [0, 4].map((first) => Math.hypot(...Array.from(values).slice(first, first + 4)));

test('unit gives every token norm 1', () => {
  const y = selectInputs(site, tensor(device, tokens, [2, 4]), { ...half, rescale: 'unit' });
  expect(norms(device.values(y))).toEqual([expect.closeTo(1, 12), expect.closeTo(1, 12)]);
});

test('preserve gives every token the norm that it had before selection and rounding', () => {
  const x = tensor(device, tokens, [2, 4]);
  const y = selectInputs(site, x, { ...half, activations: 'int8', rescale: 'preserve' });
  const [first, second] = norms(tokens) as [number, number];
  expect(norms(device.values(y))).toEqual([expect.closeTo(first, 12), expect.closeTo(second, 12)]);
});

test('with a norm, preserve means the normed token', () => {
  const norm = paramArena(device, [{ name: 'norm', shape: [4] }]).params.get('norm') as Param;
  write(norm, [2, 1, 1, 1]);
  const y = selectInputs({ ...site, norm }, tensor(device, [3, 0, 0, 0], [1, 4]), {
    ...half,
    rescale: 'preserve',
  });
  expect(device.values(y)[0]).toBeCloseTo((2 * 3) / Math.sqrt(9 / 4 + 1e-5), 12);
});

test.each(['unit', 'preserve'] as const)('%s leaves a token of zeros at zero', (rescale) => {
  const y = selectInputs(site, tensor(device, [0, 0, 0, 0], [1, 4]), { ...half, rescale });
  expect([...device.values(y)]).toEqual([0, 0, 0, 0]);
});

test('the factor is a constant for the gradient', () => {
  const x = paramArena(device, [{ name: 'x', shape: [1, 4] }]).params.get('x') as Param;
  write(x, [1, -4, 3, 0.5]);
  scope(() => backward(sum(selectInputs(site, x, { ...half, rescale: 'unit' })), [x]));
  expect([...device.values(x.grad)]).toEqual([0.2, 0.2, 0.2, 0.2].map((value) => expect.closeTo(value, 12)));
});
