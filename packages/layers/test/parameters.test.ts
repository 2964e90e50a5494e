import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import {
  countParameters,
  createDecoder,
  decoderParams,
  initialize,
  SITES,
  siteParameters,
} from '@qsparse/layers';
import { expect, test } from 'vitest';
import { TINY } from './tiny-model.ts';

test('counts are those made by hand', () => {
  // d 8, f 12, 4 heads of 4 (16 wide), 2 key-value heads (8 wide), V 11, 2 layers.
  const attention = 16 * 8 + 2 * (8 * 8) + 8 * 16; // q, k and v, o: 384
  const feedForward = 3 * 12 * 8; // 288
  const norms = 8 + 16 + 8 + 12; // input, attention output, feed-forward input, inner
  const linear = 2 * (attention + feedForward);
  expect(countParameters(TINY)).toEqual({
    total: 11 * 8 + linear + 2 * norms + 8 + 11 * 8,
    linear,
    embedding: 2 * 11 * 8,
  });
  expect(countParameters({ ...TINY, tiedEmbedding: true, subLayerNorms: false })).toEqual({
    total: 11 * 8 + linear + 2 * 16 + 8,
    linear,
    embedding: 11 * 8,
  });
});

test('the counts of a published shape: Q-Sparse 300M (24 layers of 1024, feed-forward 2730) without embedding', () => {
  const config = { ...TINY, layers: 24, hiddenSize: 1024, intermediateSize: 2730, heads: 16 };
  const { linear } = countParameters({ ...config, keyValueHeads: 16, headSize: 64 });
  expect(linear).toBe(24 * (4 * 1024 ** 2 + 3 * 1024 * 2730));
});

test('each site weighs what reads it', () => {
  expect([...siteParameters({ ...TINY, layers: 1 })]).toEqual([
    ['layers.0.qkv', 16 * 8 + 2 * (8 * 8)],
    ['layers.0.o', 8 * 16],
    ['layers.0.gate-up', 2 * 12 * 8],
    ['layers.0.down', 8 * 12],
  ]);
});

test('names and shapes are those of Hugging Face', () => {
  const specs = decoderParams({ ...TINY, layers: 1 }).map(({ name, shape }) => `${name} ${shape.join('x')}`);
  expect(specs).toEqual([
    'model.embed_tokens.weight 11x8',
    'model.layers.0.input_layernorm.weight 8',
    'model.layers.0.self_attn.q_proj.weight 16x8',
    'model.layers.0.self_attn.k_proj.weight 8x8',
    'model.layers.0.self_attn.v_proj.weight 8x8',
    'model.layers.0.self_attn.attn_sub_norm.weight 16',
    'model.layers.0.self_attn.o_proj.weight 8x16',
    'model.layers.0.post_attention_layernorm.weight 8',
    'model.layers.0.mlp.gate_proj.weight 12x8',
    'model.layers.0.mlp.up_proj.weight 12x8',
    'model.layers.0.mlp.ffn_sub_norm.weight 12',
    'model.layers.0.mlp.down_proj.weight 8x12',
    'model.norm.weight 8',
    'lm_head.weight 11x8',
  ]);
});

test('biases and head norms stand where Hugging Face has them; biases of one site lie one behind the other', () => {
  const config = { ...TINY, layers: 1, biases: SITES, queryKeyNorm: true };
  const model = createDecoder(nullDevice(), config);
  const small = decoderParams(config).filter(({ name }) => /bias|[qk]_norm/.test(name));
  expect(small.map(({ name, shape }) => `${name.replace('model.layers.0.', '')} ${shape}`)).toEqual([
    'self_attn.q_proj.bias 16',
    'self_attn.k_proj.bias 8',
    'self_attn.v_proj.bias 8',
    'self_attn.q_norm.weight 4',
    'self_attn.k_norm.weight 4',
    'self_attn.o_proj.bias 8',
    'mlp.gate_proj.bias 12',
    'mlp.up_proj.bias 12',
    'mlp.down_proj.bias 8',
  ]);
  const [block] = model.blocks;
  expect(block?.attention.queryKeyValueBias?.shape).toEqual([32]);
  expect(block?.feedForward.gateUpBias?.shape).toEqual([24]);
  expect(countParameters(config).linear).toBe(countParameters({ ...TINY, layers: 1 }).linear);
  model.dispose();
  expect(model.device.memory().count).toBe(0);
});

test('first values: deviation 0.02, less where the residual stream is written, norms 1, all by the seed', async () => {
  const config = { ...TINY, hiddenSize: 64, intermediateSize: 96, vocabularySize: 200, layers: 2 };
  const model = createDecoder(referenceDevice(), config);
  initialize(model, 5);
  const values = async (name: string) => [...(await model.arena.params.get(`model.${name}.weight`)!.data())];
  const spread = async (name: string) => {
    const all = await values(name);
    const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
    return {
      mean,
      deviation: Math.sqrt(all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / all.length),
    };
  };
  for (const name of ['embed_tokens', 'layers.0.self_attn.q_proj', 'layers.1.mlp.gate_proj']) {
    const { mean, deviation } = await spread(name);
    expect(Math.abs(mean)).toBeLessThan(0.002);
    expect(deviation / 0.02).toBeCloseTo(1, 1);
  }
  for (const name of ['layers.0.self_attn.o_proj', 'layers.1.mlp.down_proj']) {
    expect((await spread(name)).deviation / (0.02 / Math.sqrt(4))).toBeCloseTo(1, 1);
  }
  expect(new Set(await values('layers.1.input_layernorm'))).toEqual(new Set([1]));
  const biased = createDecoder(referenceDevice(), { ...config, biases: SITES, queryKeyNorm: true });
  initialize(biased, 5);
  for (const [name, first] of [
    ['mlp.up_proj.bias', 0],
    ['self_attn.q_norm.weight', 1],
  ] as const)
    expect(new Set(await biased.arena.params.get(`model.layers.1.${name}`)!.data())).toEqual(
      new Set([first]),
    );
  expect(await values('layers.0.mlp.up_proj')).not.toEqual(await values('layers.1.mlp.up_proj'));

  const again = createDecoder(referenceDevice(), config);
  initialize(again, 5);
  expect(await again.arena.values.data()).toEqual(await model.arena.values.data());
  initialize(again, 6);
  expect(await again.arena.values.data()).not.toEqual(await model.arena.values.data());
});
