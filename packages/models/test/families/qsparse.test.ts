import { type RopeScaling, ValueError } from '@qsparse/core';
import { FormatError, formatConfig, parseConfig } from '@qsparse/formats';
import type { DecoderConfig } from '@qsparse/layers';
import { formatModelConfig, parseBlock, parseModelConfig } from '@qsparse/models';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CONFIGS } from '../checkpoints.ts';
import { TERNARY_TOP_K, TINY } from '../tiny-model.ts';

const count = fc.integer({ min: 1, max: 99 });
const configs: fc.Arbitrary<DecoderConfig> = fc
  .record({
    vocabularySize: count,
    hiddenSize: count.map((n) => 8 * n),
    intermediateSize: count.map((n) => 8 * n),
    layers: count,
    keyValueHeads: fc.constantFrom(1, 2),
    heads: fc.constantFrom(2, 4),
    headSize: count.map((n) => 2 * n).map((n) => 4 * n),
    contextLength: count,
    slidingWindow: fc.nat(9),
    queryKeyNorm: fc.constantFrom(true, undefined),
    biases: fc.constantFrom<DecoderConfig['biases']>(undefined, ['qkv'], ['qkv', 'o', 'gate-up', 'down']),
    ropeTheta: fc.constantFrom(10_000, 500_000),
    ropeScaling: fc.constantFrom<RopeScaling | undefined>(undefined, { kind: 'linear', factor: 4 }),
    normEpsilon: fc.constantFrom(1e-5, 1e-6),
    activation: fc.constantFrom('squared-relu', 'silu', 'relu', 'drelu'),
    subLayerNorms: fc.boolean(),
    tiedEmbedding: fc.boolean(),
    linear: fc.record({
      sparsity: fc.constantFrom<DecoderConfig['linear']['sparsity']>(
        { kind: 'dense' },
        { kind: 'top-k', sparsity: 0.6 },
        { kind: 'block', keep: 3, block: 8 },
        { kind: 'relu' },
      ),
      weights: fc.constantFrom('full', 'ternary'),
      activations: fc.constantFrom('full', 'int8'),
      straightThrough: fc.boolean(),
      rescale: fc.constantFrom('none', 'unit', 'preserve'),
    }),
  })
  .chain((config) =>
    fc
      .option(fc.array(fc.boolean(), { minLength: config.layers, maxLength: config.layers }), {
        nil: undefined,
      })
      .map((slidingLayers) => ({ ...config, slidingLayers }) as DecoderConfig),
  );

test('every config comes back from its config.json', () => {
  fc.assert(
    fc.property(configs, fc.option(fc.nat(500), { nil: undefined }), (decoder, endOfText) => {
      const text = formatConfig(formatModelConfig(decoder, { endOfText }));
      const parsed = parseModelConfig(parseConfig(text));
      expect(parsed).toEqual({
        family: 'qsparse',
        decoder,
        endOfText,
        ternaryScale: undefined,
        ignoredKeys: ['torch_dtype'],
      });
    }),
  );
});

test('the keys are those of Hugging Face, ours are under qsparse', () => {
  const json = formatModelConfig({ ...TINY, linear: TERNARY_TOP_K }, { endOfText: 22 });
  expect(json).toEqual({
    architectures: ['QSparseForCausalLM'],
    model_type: 'qsparse',
    vocab_size: 23,
    hidden_size: 8,
    intermediate_size: 12,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 2,
    max_position_embeddings: 16,
    rope_theta: 10_000,
    rms_norm_eps: 1e-5,
    hidden_act: 'relu2',
    tie_word_embeddings: false,
    eos_token_id: 22,
    torch_dtype: 'float32',
    qsparse: {
      sparsity: 0.6,
      weights: 'ternary',
      activations: 'int8',
      straight_through: true,
      rescale: 'none',
      sub_layer_norms: true,
    },
  });
});

const good = formatModelConfig(TINY);
const ours = good.qsparse as Record<string, unknown>;

test('what Hugging Face leaves out has its defaults', () => {
  const { head_dim, num_key_value_heads, rope_theta, rms_norm_eps, tie_word_embeddings, ...rest } = good;
  const { decoder, endOfText } = parseModelConfig({
    ...rest,
    qsparse: {},
    sliding_window: null,
    use_cache: true,
  });
  expect(decoder).toMatchObject({
    headSize: 2,
    keyValueHeads: 4,
    ropeTheta: 10_000,
    normEpsilon: 1e-5,
    slidingWindow: 0,
    tiedEmbedding: false,
    subLayerNorms: false,
    linear: { sparsity: { kind: 'dense' }, weights: 'full', activations: 'full', straightThrough: true },
  });
  expect(endOfText).toBeUndefined();
});

test.each<[object, string, string]>([
  [{ ...good, hiden_size: 8 }, 'hiden_size', 'did you mean "hidden_size"?'],
  [{ ...good, vocab_size: 0 }, 'vocab_size', 'a positive integer, got 0'],
  [{ ...good, vocab_size: '23' }, 'vocab_size', 'a positive integer, got "23"'],
  [{ ...good, hidden_act: 'gelu' }, 'hidden_act', 'one of "relu2", "silu", "relu", "drelu", got "gelu"'],
  [{ ...good, head_dim: null, hidden_size: 9 }, 'hidden_size', 'a multiple of num_attention_heads (4)'],
  [{ ...good, qsparse: { ...ours, sparsity: 1 } }, 'qsparse.sparsity', 'at least 0 and below 1, got 1'],
  [{ ...good, qsparse: { ...ours, sparsity: -0.1 } }, 'qsparse.sparsity', 'at least 0, got -0.1'],
  [{ ...good, qsparse: { ...ours, sparcity: 0.5 } }, 'qsparse.sparcity', 'did you mean "sparsity"?'],
  [
    { ...good, qsparse: { ...ours, block: '2:4' } },
    'qsparse.sparsity',
    'absent when "block" is given, got 0',
  ],
  [
    { ...good, qsparse: { block: '0:4' } },
    'qsparse.block',
    'KEEP from 1 to BLOCK, for instance "16:32", got "0:4"',
  ],
  [{ ...good, qsparse: { weights: 'binary' } }, 'qsparse.weights', 'one of "full", "ternary", got "binary"'],
  [{ ...good, layer_types: ['full_attention'] }, 'layer_types', 'a list of 2 of full_attention and sliding'],
  [{ ...good, layer_types: ['full_attention', 'linear'] }, 'layer_types', 'got ["full_attention"'],
  [{ ...good, qsparse: { ...ours, biases: ['q'] } }, 'qsparse.biases', 'a list of qkv, o, gate-up, down'],
  [{ ...good, quantization_config: {} }, 'qsparse.weights', '"ternary" when "quantization_config" is given'],
  [{ ...good, rope_scaling: { rope_type: 'longrope' } }, 'rope_scaling.rope_type', 'got "longrope"'],
])('%#: a wrong key is named', (json, key, message) => {
  const parse = () => parseModelConfig(json as never, 'some/config.json');
  expect(parse).toThrow(FormatError);
  expect(parse).toThrow('[some/config.json]');
  expect(parse).toThrow(`"${key}"`);
  expect(parse).toThrow(message);
});

test('what only some models have is written where they have it', () => {
  const config = { ...TINY, slidingWindow: 4, slidingLayers: [true, false], queryKeyNorm: true };
  expect(formatModelConfig({ ...config, biases: ['qkv'] })).toMatchObject({
    sliding_window: 4,
    layer_types: ['sliding_attention', 'full_attention'],
    qsparse: { query_key_norm: true, biases: ['qkv'] },
  });
});

test.each(Object.entries(CONFIGS))('a model of another family is written as one of ours: %s', (_, json) => {
  const { decoder } = parseModelConfig(json);
  const { family, decoder: again } = parseModelConfig(formatModelConfig(decoder));
  expect(family).toBe('qsparse');
  expect(again).toEqual(decoder);
});

test('what a config needs and lacks is named', () => {
  for (const key of ['model_type', 'vocab_size', 'num_hidden_layers', 'max_position_embeddings', 'qsparse']) {
    const { [key]: _, ...rest } = good;
    expect(() => parseModelConfig(rest)).toThrow(`[config.json] "${key}" is required`);
  }
});

test('values that do not fit together are refused', () => {
  expect(() => parseModelConfig({ ...good, num_key_value_heads: 3 })).toThrow(
    'heads must be a multiple of keyValueHeads, got 4 and 3',
  );
  expect(() => parseModelConfig({ ...good, qsparse: { block: '5:8', weights: 'full' } })).toThrow(
    'blocks of 8 must divide the width 12',
  );
});

test('whatever the file holds, it is a config or an error that says what is wrong', () => {
  const value = fc.oneof(
    fc.jsonValue(),
    fc.integer(),
    fc.double(),
    fc.constantFrom('qsparse', 'silu', '16:32', true),
  );
  const damaged = fc.tuple(
    fc.dictionary(fc.constantFrom(...Object.keys(good)), value),
    fc.dictionary(fc.constantFrom(...Object.keys(ours)), value),
  );
  fc.assert(
    fc.property(damaged, fc.boolean(), ([outer, inner], nested) => {
      try {
        const { decoder } = parseModelConfig({
          ...good,
          ...outer,
          ...(nested && { qsparse: { ...ours, ...inner } }),
        } as never);
        expect(parseModelConfig(formatModelConfig(decoder)).decoder).toEqual(decoder);
      } catch (error) {
        if (!(error instanceof FormatError) && !(error instanceof ValueError)) throw error;
        expect(error.message).not.toMatch(/[\n\r]/);
      }
    }),
    { numRuns: 500 },
  );
});

test('blocks are KEEP:BLOCK', () => {
  expect(parseBlock('16:32')).toEqual({ kind: 'block', keep: 16, block: 32 });
  expect(parseBlock('4:4')).toEqual({ kind: 'block', keep: 4, block: 4 });
  for (const text of [
    '',
    '16',
    '16:',
    ':32',
    '0:32',
    '33:32',
    '1.5:4',
    '-1:4',
    '2:4 ',
    '2:4:8',
    '1e1:32',
    '9999999:9999999',
  ])
    expect(parseBlock(text), text).toBeUndefined();
});

test('single sites have shares or blocks of their own', () => {
  const sparsityBySite = {
    'layers.0.o': { kind: 'dense' },
    'layers.1.qkv': { kind: 'top-k', sparsity: 0.25 },
    'layers.1.down': { kind: 'block', keep: 2, block: 4 },
  } as const;
  const decoder: DecoderConfig = { ...TINY, linear: { ...TERNARY_TOP_K, sparsityBySite } };
  const json = formatModelConfig(decoder);
  expect(json.qsparse).toMatchObject({
    sparsity_by_site: { 'layers.0.o': 0, 'layers.1.qkv': 0.25, 'layers.1.down': '2:4' },
  });
  expect(parseModelConfig(json).decoder).toEqual(decoder);
});

test.each([
  [{ 'layers.0.o': 1 }, '"qsparse.sparsity_by_site.layers.0.o" must be a share from 0 and below 1'],
  [{ 'layers.0.o': '5:4' }, '"KEEP:BLOCK" or "relu"'],
  [{ 'layers.7.o': 0.5 }, 'sparsityBySite must name sites such as layers.0.qkv, got layers.7.o'],
])('sparsity_by_site %j is refused', (sites, message) => {
  const json = formatModelConfig(TINY);
  const qsparse = { ...(json.qsparse as object), sparsity_by_site: sites };
  expect(() => parseModelConfig({ ...json, qsparse } as typeof json)).toThrow(message);
});

test('ReLU at single sites comes back, and a selection beside it is refused', () => {
  const linear = { ...TINY.linear, sparsityBySite: { 'layers.0.qkv': { kind: 'relu' } } } as const;
  const json = formatModelConfig({ ...TINY, linear });
  expect(json.qsparse).toMatchObject({ sparsity_by_site: { 'layers.0.qkv': 'relu' } });
  expect(parseModelConfig(json).decoder.linear.sparsityBySite).toEqual(linear.sparsityBySite);
  const both = { ...json, qsparse: { ...(json.qsparse as object), selection: 'relu', sparsity: 0.5 } };
  expect(() => parseModelConfig(both as typeof json)).toThrow(
    '"qsparse.sparsity" must be absent when "selection" is "relu"',
  );
});

test('packed ternary weights are said in config.json, and only of a ternary model', () => {
  const decoder = { ...TINY, linear: TERNARY_TOP_K };
  const packed = formatModelConfig(decoder, { packed: true });
  expect(parseModelConfig(packed)).toMatchObject({ decoder, ternaryScale: 'multiplies' });
  const plain = formatModelConfig({ ...TINY, linear: { ...TERNARY_TOP_K, weights: 'full' } });
  expect(
    formatModelConfig({ ...TINY, linear: { ...TERNARY_TOP_K, weights: 'full' } }, { packed: true }),
  ).toEqual(plain);
  const full = { ...plain, quantization_config: packed.quantization_config! };
  expect(() => parseModelConfig(full)).toThrow('"ternary" when "quantization_config" is given');
});
