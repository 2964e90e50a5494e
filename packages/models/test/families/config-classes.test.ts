import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { JsonObject } from '@qsparse/formats';
import { DENSE } from '@qsparse/layers';
import { parseModelConfig } from '@qsparse/models';
import { describe, expect, test } from 'vitest';
import { CONFIGS } from '../checkpoints.ts';

const SIZES: JsonObject = {
  vocab_size: 100,
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 4,
  num_attention_heads: 32,
};
const decoderOf = (json: object) => parseModelConfig(json as JsonObject).decoder;
const bare = (model_type: string, extra: object = {}) => decoderOf({ ...SIZES, model_type, ...extra });

describe('what a file leaves out is that of the configuration class', () => {
  test.each<[string, object]>([
    ['llama', { contextLength: 2048, keyValueHeads: 32, headSize: 2, normEpsilon: 1e-6, ropeTheta: 10_000 }],
    ['mistral', { contextLength: 131_072, keyValueHeads: 8, slidingWindow: 4096, activation: 'silu' }],
    ['qwen2', { contextLength: 32_768, keyValueHeads: 32, slidingWindow: 0, biases: ['qkv'], headSize: 2 }],
    ['qwen3', { contextLength: 32_768, headSize: 128, queryKeyNorm: true, slidingWindow: 0 }],
  ])('%s', (model_type, expected) => {
    expect(bare(model_type)).toMatchObject({ ...expected, tiedEmbedding: false, linear: DENSE });
  });

  test('bitnet', () => {
    expect(bare('bitnet', { num_attention_heads: 10, hidden_size: 80 })).toMatchObject({
      contextLength: 2048,
      keyValueHeads: 5,
      normEpsilon: 1e-5,
      ropeTheta: 500_000,
      activation: 'squared-relu',
      subLayerNorms: true,
      headSize: 8,
    });
  });

  test('null is no value: as many key-value heads as heads, no window, heads that share the width', () => {
    const nulls = { num_key_value_heads: null, sliding_window: null, head_dim: null };
    expect(bare('mistral', nulls)).toMatchObject({ keyValueHeads: 32, slidingWindow: 0, headSize: 2 });
    expect(bare('qwen3', { head_dim: null })).toMatchObject({ headSize: 2 });
  });
});

describe('windows of Qwen', () => {
  const qwen = (extra: object) => {
    const { slidingWindow, slidingLayers } = bare('qwen2', extra);
    return { slidingWindow, slidingLayers };
  };
  const none = { slidingWindow: 0, slidingLayers: undefined };
  const [full, sliding] = ['full_attention', 'sliding_attention'];

  test.each<[object, object]>([
    [{ use_sliding_window: false, sliding_window: 8, max_window_layers: 0 }, none],
    [{ use_sliding_window: true, sliding_window: 8 }, none],
    [{ use_sliding_window: true, sliding_window: null, max_window_layers: 0 }, none],
    [
      { use_sliding_window: true, sliding_window: 8, max_window_layers: 0 },
      { slidingWindow: 8, slidingLayers: undefined },
    ],
    [
      { use_sliding_window: true, sliding_window: 8, max_window_layers: 3 },
      { slidingWindow: 8, slidingLayers: [false, false, false, true] },
    ],
    [
      { use_sliding_window: true, max_window_layers: 0 },
      { slidingWindow: 4096, slidingLayers: undefined },
    ],
    [
      { use_sliding_window: true, sliding_window: 8, layer_types: [sliding, full, sliding, full] },
      { slidingWindow: 8, slidingLayers: [true, false, true, false] },
    ],
    [{ use_sliding_window: true, sliding_window: 8, layer_types: [full, full, full, full] }, none],
  ])('%j', (extra, expected) => {
    expect(qwen(extra)).toEqual(expected);
  });

  test('layers that slide without a window are refused', () => {
    expect(() => qwen({ layer_types: [sliding, full, full, full] })).toThrow(
      '"layer_types" must be without sliding_attention while there is no sliding window',
    );
  });
});

test('biases of Llama', () => {
  expect(bare('llama', { attention_bias: true }).biases).toEqual(['qkv', 'o']);
  expect(bare('llama', { mlp_bias: true }).biases).toEqual(['gate-up', 'down']);
  expect(bare('llama', { mlp_bias: false, attention_bias: false }).biases).toBeUndefined();
  expect(() => bare('qwen2', { attention_bias: true })).toThrow('"attention_bias" must be false');
});

test.each<[object, string]>([
  [{ hidden_act: 'gelu' }, '"hidden_act" must be one of "silu", "relu2", "relu", got "gelu"'],
  [{ hidden_size: 65 }, '"hidden_size" must be a multiple of num_attention_heads (32)'],
  [{ num_key_value_heads: 5 }, 'heads must be a multiple of keyValueHeads, got 32 and 5'],
  [
    { rope_scaling: { type: 'dynamic', factor: 2, original_max_position_embeddings: 512 } },
    '"max_position_embeddings" must be what dynamic scaling names as the original length',
  ],
])('%j is refused', (extra, message) => {
  expect(() => bare('llama', extra)).toThrow(message);
});

describe('quantization_config', () => {
  const scaleOf = (quantization_config: object, model_type = 'bitnet') => {
    const { ternaryScale, decoder } = parseModelConfig({
      ...CONFIGS[model_type]!,
      quantization_config,
    } as JsonObject);
    return [ternaryScale, decoder.linear.weights, decoder.linear.activations];
  };

  test.each<[object, string | undefined]>([
    [{}, 'divides'],
    [{ linear_class: 'bitlinear', quantization_mode: 'online' }, 'divides'],
    [{ linear_class: 'autobitlinear' }, 'multiplies'],
    [
      { linear_class: 'autobitlinear', quantization_mode: 'offline', modules_to_not_convert: null },
      'multiplies',
    ],
    [
      { linear_class: 'autobitlinear', quantization_mode: 'online', modules_to_not_convert: ['lm_head'] },
      undefined,
    ],
  ])('%j', (config, expected) => {
    expect(scaleOf({ quant_method: 'bitnet', ...config })).toEqual([expected, 'ternary', 'int8']);
    expect(scaleOf({ quant_method: 'bitnet', ...config }, 'llama')[0]).toBe(expected);
  });

  test.each<[object, string]>([
    [{ quant_method: 'gptq' }, '"quantization_config.quant_method" must be one of "bitnet", got "gptq"'],
    [{ quant_method: 'bitnet', linear_class: 'linear' }, 'quantization_config.linear_class'],
    [{ quant_method: 'bitnet', use_rms_norm: true }, '"quantization_config.use_rms_norm" must be false'],
    [{ quant_method: 'bitnet', modules_to_not_convert: ['o_proj'] }, 'modules_to_not_convert'],
    [{ quant_method: 'bitnet', bits: 2 }, '"quantization_config.bits"'],
  ])('%j is refused', (config, message) => {
    expect(() => scaleOf(config)).toThrow(message);
  });
});

test('the config.json of transformers 5, whole', () => {
  const path = '../../../../apps/cli/test/fixtures/hugging-face/hf-llama3-scaled-rope/config.json';
  const json = JSON.parse(readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8')) as JsonObject;
  const { decoder, endOfText, family } = parseModelConfig(json);
  expect({ family, endOfText }).toEqual({ family: 'llama', endOfText: 2 });
  expect(decoder).toMatchObject({
    ropeTheta: 500_000,
    ropeScaling: {
      kind: 'llama3',
      factor: 8,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalLength: 64,
    },
  });
});
