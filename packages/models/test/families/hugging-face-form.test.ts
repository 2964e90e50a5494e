import type { DecoderConfig } from '@qsparse/layers';
import { huggingFaceForm, parseModelConfig } from '@qsparse/models';
import { expect, test } from 'vitest';
import { BITNET, CONFIGS, TERNARY } from '../checkpoints.ts';
import { TERNARY_TOP_K, TINY } from '../tiny-model.ts';

test.each(Object.entries(CONFIGS))('%s: the class computes the same', (_, config) => {
  const { decoder } = parseModelConfig(config);
  const { json, differences } = huggingFaceForm(decoder, { beginOfText: 1, endOfText: 2, dtype: 'bfloat16' });
  expect(differences).toEqual([]);
  expect(parseModelConfig(json)).toMatchObject({ decoder, endOfText: 2, ternaryScale: undefined });
  expect(json).toMatchObject({ bos_token_id: 1, eos_token_id: 2, torch_dtype: 'bfloat16' });
});

test('ternary weights: online as they are, offline when they are packed', () => {
  const { decoder } = parseModelConfig({ ...BITNET, quantization_config: TERNARY.online });
  const plain = huggingFaceForm(decoder);
  expect(plain).toMatchObject({ architecture: 'BitNetForCausalLM', differences: [] });
  expect(plain.json.quantization_config).toMatchObject({ quantization_mode: 'online' });
  const packed = huggingFaceForm(decoder, { packed: true });
  expect(packed.json.quantization_config).toMatchObject({
    linear_class: 'autobitlinear',
    quantization_mode: 'offline',
  });
  expect(parseModelConfig(packed.json)).toMatchObject({ decoder, ternaryScale: 'multiplies' });
});

test('what the class does differently is said', () => {
  const sparse: DecoderConfig = { ...TINY, linear: { ...TERNARY_TOP_K, rescale: 'unit' } };
  expect(huggingFaceForm(sparse).differences).toEqual([
    'all inputs of linear layers are used: there is no selection of the largest',
    'inputs are not rescaled after selection',
  ]);
  const oneSite: DecoderConfig = {
    ...TINY,
    linear: { ...TINY.linear, sparsityBySite: { 'layers.1.down': { kind: 'top-k', sparsity: 0.5 } } },
  };
  expect(huggingFaceForm(oneSite).differences).toHaveLength(1);
  const int8 = { ...TINY, linear: { ...TINY.linear, activations: 'int8' } } as const;
  expect(huggingFaceForm(int8).differences).toEqual(['activations are not rounded to int8']);
  const float = {
    ...TINY,
    linear: { ...TERNARY_TOP_K, sparsity: { kind: 'dense' }, activations: 'full' },
  } as const;
  expect(huggingFaceForm(float).differences).toEqual(['activations are rounded to int8']);
});

test('squared ReLU needs no BitNet: Llama of transformers has it', () => {
  const { architecture, json } = huggingFaceForm({ ...TINY, subLayerNorms: false });
  expect({ architecture, act: json.hidden_act }).toEqual({ architecture: 'LlamaForCausalLM', act: 'relu2' });
});

test('parts that no class has together, and packed full weights, are refused', () => {
  expect(() => huggingFaceForm({ ...TINY, queryKeyNorm: true })).toThrow(
    'a class of transformers with sub-layer norms, norms of query and key heads is required, there is none',
  );
  expect(() => huggingFaceForm({ ...TINY, biases: ['down'] })).toThrow('biases at down');
  expect(() => huggingFaceForm(TINY, { packed: true })).toThrow('packed weights must be ternary');
});
