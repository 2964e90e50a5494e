import { paramArena, type Tensor, tensor, write } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { type AttentionLayer, type DecoderConfig, selfAttention } from '@qsparse/layers';
import { expect, test } from 'vitest';
import { TINY } from './tiny-model.ts';

const device = referenceDevice();
const identity = [1, 0, 0, 1];

/** One head of two, every projection the identity, no norms: the result can be made by hand. */
function plainLayer(): AttentionLayer {
  const { params } = paramArena(device, [
    { name: 'queryKeyValue', shape: [6, 2] },
    { name: 'output', shape: [2, 2] },
  ]);
  const [queryKeyValue, output] = [params.get('queryKeyValue')!, params.get('output')!];
  write(queryKeyValue, [...identity, ...identity, ...identity]);
  write(output, identity);
  const site = (name: string) => ({ name, norm: undefined, epsilon: 1e-5 });
  return { queryKeyValue, output, inputSite: site('qkv'), outputSite: site('o') };
}

/** What the layer adds to x. */
function added(y: Tensor): Float64Array {
  const before = device.values(x);
  return device.values(y).map((value, i) => value - before[i]!);
}

const ONE_HEAD: DecoderConfig = { ...TINY, hiddenSize: 2, heads: 1, keyValueHeads: 1, headSize: 2 };
/** No rotation at any of three positions. */
const still: Tensor = tensor(device, [1, 0, 1, 0, 1, 0], [3, 1, 2]);
const x = tensor(device, [1, 0, 0, 2, 1, 1], [1, 3, 2]);

test('softmax of q k / sqrt(D) over the tokens so far', () => {
  const y = added(selfAttention(plainLayer(), x, ONE_HEAD, still));
  const weights = [0, 4 / Math.SQRT2].map(Math.exp) as [number, number];
  const total = weights[0] + weights[1];
  expect([...y.slice(0, 4)]).toEqual(
    [1, 0, weights[0] / total, (2 * weights[1]) / total].map((value) => expect.closeTo(value, 12)),
  );
});

test('biases are added to q, k, v and to the output', () => {
  const { params } = paramArena(device, [
    { name: 'queryKeyValue', shape: [6] },
    { name: 'output', shape: [2] },
  ]);
  const [queryKeyValueBias, outputBias] = [params.get('queryKeyValue')!, params.get('output')!];
  // Keys move alike, which changes no score of a query that stays; values move by (3, 4), the output by (10, 20).
  write(queryKeyValueBias, [0, 0, 7, 7, 3, 4]);
  write(outputBias, [10, 20]);
  const plain = added(selfAttention(plainLayer(), x, ONE_HEAD, still));
  const moved = added(selfAttention({ ...plainLayer(), queryKeyValueBias, outputBias }, x, ONE_HEAD, still));
  expect([...moved]).toEqual([...plain].map((value, i) => expect.closeTo(value + (i % 2 ? 24 : 13), 10)));
});

test('head norms make queries and keys of unit mean square before they are turned, values stay', () => {
  const { params } = paramArena(device, [
    { name: 'query', shape: [2] },
    { name: 'key', shape: [2] },
  ]);
  const headNorms = { query: params.get('query')!, key: params.get('key')! };
  write(headNorms.query, [1, 1]);
  write(headNorms.key, [1, 3]);
  // A quarter turn at every position: queries and keys alike, so that scores stay.
  const turned = tensor(device, [0, 1, 0, 1, 0, 1], [3, 1, 2]);
  const config = { ...ONE_HEAD, normEpsilon: 1e-12 };
  const y = added(selfAttention({ ...plainLayer(), headNorms }, x, config, turned));
  // Token 2, (1, 1): its query is (1, 1), the keys are √2 (1, 0), √2 (0, 3) and (1, 3).
  const scores = [Math.SQRT2, 3 * Math.SQRT2, 4].map((score) => Math.exp(score / Math.SQRT2));
  const total = scores.reduce((sum, score) => sum + score);
  const [a, b, c] = scores.map((score) => score / total) as [number, number, number];
  expect([...y.slice(4)]).toEqual([expect.closeTo(a + c, 9), expect.closeTo(2 * b + c, 9)]);
});

test("a layer's own window goes before the model's", () => {
  const y = selfAttention({ ...plainLayer(), window: 1 }, x, { ...ONE_HEAD, slidingWindow: 2 }, still);
  expect([...added(y)]).toEqual([1, 0, 0, 2, 1, 1]);
});

test('a window of one sees only itself', () => {
  const y = selfAttention(plainLayer(), x, { ...ONE_HEAD, slidingWindow: 1 }, still);
  expect([...added(y)]).toEqual([1, 0, 0, 2, 1, 1]);
});

test('yarn raises the scores by its factor squared', () => {
  const scaling = { kind: 'yarn', factor: 4, originalLength: 4, attentionFactor: 2 } as const;
  const y = added(selfAttention(plainLayer(), x, { ...ONE_HEAD, ropeScaling: scaling }, still));
  const weights = [0, (4 * 4) / Math.SQRT2].map(Math.exp) as [number, number];
  expect(y[2]).toBeCloseTo(weights[0] / (weights[0] + weights[1]), 12);
});
