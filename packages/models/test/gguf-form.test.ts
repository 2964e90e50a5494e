import type { RopeScaling } from '@qsparse/core';
import type { DecoderConfig } from '@qsparse/layers';
import { ggufForm } from '@qsparse/models';
import { expect, test } from 'vitest';
import { TERNARY_TOP_K, TINY } from './tiny-model.ts';

const LLAMA: DecoderConfig = { ...TINY, activation: 'silu', subLayerNorms: false };
const BITNET: DecoderConfig = { ...TINY, tiedEmbedding: true };
const form = (config: DecoderConfig) => ggufForm(config, { type: 'F16', name: 'tiny' });

test.each<[string, DecoderConfig]>([
  ['llama', LLAMA],
  ['llama', { ...LLAMA, biases: ['qkv', 'o'] }],
  ['qwen2', { ...LLAMA, biases: ['qkv'] }],
  ['qwen3', { ...LLAMA, queryKeyNorm: true }],
  ['bitnet-b1.58', BITNET],
  ['bitnet', { ...BITNET, activation: 'silu' }],
])('%s', (architecture, config) => {
  const { model, extra, differences, notes } = form(config);
  expect(model).toMatchObject({ architecture, name: 'tiny', headSize: 2, keyValueHeads: 2, fileType: 1 });
  expect({ extra, differences }).toEqual({ extra: [], differences: [] });
  expect(notes).toHaveLength(architecture === 'bitnet-b1.58' ? 1 : 0);
});

test.each<[string, Partial<DecoderConfig>]>([
  ['squared ReLU and without sub-layer norms', { activation: 'squared-relu' }],
  ['sub-layer norms and a head of its own', { subLayerNorms: true }],
  ['sub-layer norms beside biases', { subLayerNorms: true, tiedEmbedding: true, biases: ['o'] }],
  ['gates of ReLU', { activation: 'relu', subLayerNorms: true, tiedEmbedding: true }],
  ['norms of heads and biases', { queryKeyNorm: true, biases: ['qkv'] }],
])('an architecture with %s is not there', (what, change) => {
  expect(() => form({ ...LLAMA, ...change })).toThrow(`llama.cpp has no architecture with ${what}`);
});

test('rope scaling: linear and yarn as keys, that of Llama 3 as a tensor, the others not at all', () => {
  const scaled = (ropeScaling: RopeScaling) => form({ ...LLAMA, headSize: 8, ropeScaling });
  const llama3 = scaled({
    kind: 'llama3',
    factor: 8,
    lowFrequencyFactor: 1,
    highFrequencyFactor: 4,
    originalLength: 64,
  });
  expect(llama3.model.ropeScaling).toBeUndefined();
  expect(llama3.extra).toMatchObject([{ name: 'rope_freqs.weight', type: 'F32', shape: [4] }]);
  expect(scaled({ kind: 'linear', factor: 2 }).model.ropeScaling).toEqual({ kind: 'linear', factor: 2 });
  const yarn = { kind: 'yarn', factor: 4, originalLength: 16 } as const;
  expect(scaled(yarn).model.ropeScaling).toEqual(yarn);
  expect(() => scaled({ ...yarn, attentionFactor: 1.2 })).toThrow('no rope scaling with attentionFactor');
  expect(() => scaled({ kind: 'dynamic', factor: 2, originalLength: 16 })).toThrow('with dynamic');
});

test('what llama.cpp does differently is said; two bits are for ternary weights', () => {
  const sparse: DecoderConfig = { ...LLAMA, slidingWindow: 5, linear: { ...TERNARY_TOP_K, rescale: 'unit' } };
  expect(ggufForm(sparse, { type: 'TQ2_0' }).differences).toEqual([
    'all inputs of linear layers are used: there is no selection of the largest',
    'inputs are not rescaled after selection',
    'activations are not rounded to int8 by token',
    'attention reaches beyond the sliding window of 5 tokens',
  ]);
  expect(form({ ...LLAMA, slidingWindow: 16 }).differences).toEqual([]);
  expect(() => ggufForm(LLAMA, { type: 'TQ2_0' })).toThrow('TQ2_0 holds ternary weights');
});
