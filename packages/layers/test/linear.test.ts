import {
  backward,
  type Param,
  paramArena,
  scale,
  scope,
  sum,
  type Tensor,
  tensor,
  write,
} from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import { DENSE, type LinearConfig, project, type Site, selectGated, selectInputs } from '@qsparse/layers';
import { expect, test } from 'vitest';

const device = referenceDevice();
const site: Site = { name: 'layers.0.qkv', norm: undefined, epsilon: 1e-5 };
const half: LinearConfig = { ...DENSE, sparsity: { kind: 'top-k', sparsity: 0.5 } };

test('exactly K stay in each token, ties to the lowest index, without a norm nothing else changes', async () => {
  const x = tensor(device, [1, -4, 2, 0.5, 3, 3, 3, 3], [2, 4]);
  expect([...(await selectInputs(site, x, half).data())]).toEqual([0, -4, 2, 0, 3, 3, 0, 0]);
  const blocks: LinearConfig = { ...DENSE, sparsity: { kind: 'block', keep: 1, block: 2 } };
  expect([...(await selectInputs(site, x, blocks).data())]).toEqual([0, -4, 2, 0, 3, 0, 3, 0]);
});

test('a site that is named has its own selection, here and in the middle of a gated layer', async () => {
  const x = tensor(device, [1, -4, 2, 0.5], [1, 4]);
  const one = { ...half, sparsityBySite: { 'layers.0.qkv': { kind: 'top-k', sparsity: 0.75 } } } as const;
  expect([...(await selectInputs(site, x, one).data())]).toEqual([0, -4, 0, 0]);
  expect([...(await selectInputs({ ...site, name: 'layers.1.qkv' }, x, one).data())]).toEqual([0, -4, 2, 0]);
  const gated = tensor(device, [1, 1, 1, 1, 1, -4, 2, 0.5], [1, 8]);
  expect([...(await selectGated(site, gated, 'squared-relu', one).data())]).toEqual([0, -4, 0, 0]);
});

test('the norm comes first: what is small after its weight is left out', async () => {
  const norm = paramArena(device, [{ name: 'norm', shape: [4] }]).params.get('norm') as Param;
  write(norm, [1, 0.1, 1, 1]);
  const x = tensor(device, [1, -4, 2, 0.5], [1, 4]);
  const rms = Math.sqrt((1 + 16 + 4 + 0.25) / 4 + 1e-5);
  const selected = device.values(selectInputs({ ...site, norm }, x, half));
  expect([...selected]).toEqual([1 / rms, 0, 2 / rms, 0].map((value) => expect.closeTo(value, 12)));
});

test('what stays is rounded to int8 levels of its token', () => {
  const x = tensor(device, [1, -4, 2, 0.5], [1, 4]);
  const selected = device.values(selectInputs(site, x, { ...half, activations: 'int8' }));
  expect([...selected]).toEqual([0, -4, (Math.round((127 * 2) / 4) * 4) / 127, 0]);
});

test('observe sees the name and what stays, before the rescale', async () => {
  const seen: [string, number[]][] = [];
  const x = tensor(device, [3, -4, 1, 0], [1, 4]);
  const observe = (name: string, selected: Tensor) => void seen.push([name, [...device.values(selected)]]);
  const y = selectInputs(site, x, { ...half, rescale: 'unit' }, observe);
  expect(seen).toEqual([['layers.0.qkv', [3, -4, 0, 0]]]);
  expect([...(await y.data())]).toEqual([0.6, -0.8, 0, 0].map((value) => expect.closeTo(value, 6)));
});

test('what observe returns takes the place of what was selected, also behind the gate', () => {
  const x = tensor(device, [3, -4, 1, 0], [1, 4]);
  const double = (_: string, selected: Tensor) => scale(selected, 2);
  expect([...device.values(selectInputs(site, x, half, double))]).toEqual([6, -8, 0, 0]);
  const gated = selectGated(site, tensor(device, [1, 2, 5, 3], [1, 4]), 'relu', DENSE, double);
  expect([...device.values(gated)]).toEqual([10, 12]);
});

test('ternary weights are alpha times -1, 0, 1; full ones are as they are', () => {
  const weight = paramArena(device, [{ name: 'w', shape: [2, 2] }]).params.get('w') as Param;
  write(weight, [1, -0.1, -2, 0.9]); // mean |w| = 1
  const x = tensor(device, [1, 10], [1, 2]);
  expect([...device.values(project(x, weight, DENSE))]).toEqual([0, 7]);
  expect([...device.values(project(x, weight, { ...DENSE, weights: 'ternary' }))]).toEqual([1, 9]);
});

test('straight through, the gradient of the input ignores the mask; the ablation keeps it', () => {
  for (const [straightThrough, expected] of [
    [true, [1, 1, 1, 1]],
    [false, [0, 1, 1, 0]],
  ] as const) {
    const x = paramArena(device, [{ name: 'x', shape: [1, 4] }]).params.get('x') as Param;
    write(x, [1, -4, 2, 0.5]);
    scope(() => backward(sum(selectInputs(site, x, { ...half, straightThrough })), [x]));
    expect([...device.values(x.grad)]).toEqual(expected);
  }
});

test('norm, selection and rounding are one launch', () => {
  const counting = nullDevice();
  const norm = paramArena(counting, [{ name: 'norm', shape: [4] }]).params.get('norm');
  const x = tensor(counting, [1, 2, 3, 4], [1, 4]);
  counting.resetCounts();
  selectInputs({ ...site, norm }, x, { ...half, activations: 'int8' });
  expect(counting.counts().launches).toEqual({ sparsify: 1 });
  counting.resetCounts();
  selectInputs(site, x, DENSE);
  expect(counting.counts().launches).toEqual({});
});

test('matrices under one another keep a ternary scale each, and the residual is added', () => {
  const weight = paramArena(device, [{ name: 'w', shape: [3, 2] }]).params.get('w') as Param;
  write(weight, [1, -0.1, -2, 0.9, 10, 30]); // mean |w| is 1 over the first two rows, 20 over the third
  const x = tensor(device, [1, 10], [1, 2]);
  const linear: LinearConfig = { ...DENSE, weights: 'ternary' };
  const residual = tensor(device, [100, 200, 300], [1, 3]);
  const y = project(x, weight, linear, { sections: [2, 1], add: residual });
  expect([...device.values(y)]).toEqual([101, 209, 300 + 20 * 0 + 20 * 10]);
});

test('the gated site is one launch: activation, norm, selection and rounding', () => {
  const counting = nullDevice();
  const norm = paramArena(counting, [{ name: 'norm', shape: [4] }]).params.get('norm');
  const gateUp = tensor(counting, [1, 2, 3, 4, 5, 6, 7, 8], [1, 8]);
  counting.resetCounts();
  selectGated({ ...site, norm }, gateUp, 'squared-relu', { ...half, activations: 'int8' });
  expect(counting.counts().launches).toEqual({ 'gated-sparsify': 1 });
});

test('a rescaled gated site has the norm that it had before the selection', () => {
  const gateUp = tensor(device, [1, 2, 0.5, 1, 3, 1, 2, 1], [1, 8]); // relu²(gate) up = [3, 4, 0.5, 1]
  const y = device.values(selectGated(site, gateUp, 'squared-relu', { ...half, rescale: 'preserve' }));
  const factor = Math.hypot(3, 4, 0.5, 1) / 5;
  expect([...y]).toEqual([3 * factor, 4 * factor, 0, 0].map((value) => expect.closeTo(value, 12)));
});
