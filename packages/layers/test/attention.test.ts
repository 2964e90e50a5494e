import { paramArena, type Tensor, tensor, write } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { type AttentionLayer, type DecoderConfig, selfAttention } from '@qsparse/layers';
import { expect, test } from 'vitest';
import { TINY } from './tiny-model.ts';

const device = referenceDevice();
const identity = [1, 0, 0, 1];

/** One head of two, every projection the identity, no norms: the result can be made by hand. */
function plainLayer(): AttentionLayer {
  const names = ['query', 'key', 'value', 'output'] as const;
  const { params } = paramArena(
    device,
    names.map((name) => ({ name, shape: [2, 2] })),
  );
  for (const param of params.values()) write(param, identity);
  const [query, key, value, output] = names.map((name) => params.get(name)!) as never as [
    AttentionLayer['query'],
    AttentionLayer['key'],
    AttentionLayer['value'],
    AttentionLayer['output'],
  ];
  const site = (name: string) => ({ name, norm: undefined, epsilon: 1e-5 });
  return { query, key, value, output, inputSite: site('qkv'), outputSite: site('o') };
}

const ONE_HEAD: DecoderConfig = { ...TINY, hiddenSize: 2, heads: 1, keyValueHeads: 1, headSize: 2 };
/** No rotation at any of three positions. */
const still: Tensor = tensor(device, [1, 0, 1, 0, 1, 0], [3, 1, 2]);
const x = tensor(device, [1, 0, 0, 2, 1, 1], [1, 3, 2]);

test('softmax of q k / sqrt(D) over the tokens so far', () => {
  const y = device.values(selfAttention(plainLayer(), x, ONE_HEAD, still));
  const weights = [0, 4 / Math.SQRT2].map(Math.exp) as [number, number];
  const total = weights[0] + weights[1];
  expect([...y.slice(0, 4)]).toEqual(
    [1, 0, weights[0] / total, (2 * weights[1]) / total].map((value) => expect.closeTo(value, 12)),
  );
});

test('a window of one sees only itself', () => {
  const y = selfAttention(plainLayer(), x, { ...ONE_HEAD, slidingWindow: 1 }, still);
  expect([...device.values(y)]).toEqual([1, 0, 0, 2, 1, 1]);
});

test('yarn raises the scores by its factor squared', () => {
  const scaling = { kind: 'yarn', factor: 4, originalLength: 4, attentionFactor: 2 } as const;
  const y = device.values(selfAttention(plainLayer(), x, { ...ONE_HEAD, ropeScaling: scaling }, still));
  const weights = [0, (4 * 4) / Math.SQRT2].map(Math.exp) as [number, number];
  expect(y[2]).toBeCloseTo(weights[0] / (weights[0] + weights[1]), 12);
});
