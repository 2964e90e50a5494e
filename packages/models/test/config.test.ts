import { FormatError, type JsonObject } from '@qsparse/formats';
import { parseModelConfig } from '@qsparse/models';
import { expect, test } from 'vitest';
import { CONFIGS } from './checkpoints.ts';

const llama = CONFIGS.llama!;
const parse = (extra: object) => parseModelConfig({ ...llama, ...extra } as JsonObject, 'a/config.json');

test('keys that say nothing about the computation are listed, in the order of the file', () => {
  const { ignoredKeys } = parse({
    torch_dtype: 'bfloat16',
    _name_or_path: 'somewhere',
    architectures: ['LlamaForCausalLM'],
    attention_dropout: 0.1,
    pretraining_tp: 1,
    'transformers.js_config': { dtype: 'q4' },
  });
  expect(ignoredKeys).toEqual([
    'torch_dtype',
    '_name_or_path',
    'attention_dropout',
    'pretraining_tp',
    'transformers.js_config',
  ]);
});

test('a key that holds null says nothing; one that is neutral says that it is off', () => {
  const keys = { sliding_window: null, strange: null, use_mrope: false, partial_rotary_factor: 1 };
  expect(parse(keys).ignoredKeys).toEqual(Object.keys(keys));
  expect(parse(keys).decoder).toEqual(parse({}).decoder);
});

test.each<[object, string, string]>([
  [
    { model_type: 'gpt2' },
    'model_type',
    'one of "qsparse", "llama", "mistral", "qwen2", "qwen3", "bitnet", got "gpt2"',
  ],
  [{ model_type: undefined }, 'model_type', 'is required'],
  [{ architectures: ['LlamaForSequenceClassification'] }, 'architectures', 'ForCausalLM'],
  [{ architectures: 'LlamaForCausalLM' }, 'architectures', 'an array of strings'],
  [{ clip_qkv: 8 }, 'clip_qkv', 'unknown key'],
  [{ hiden_act: 'silu' }, 'hiden_act', 'did you mean "hidden_act"?'],
  [
    { partial_rotary_factor: 0.5 },
    'partial_rotary_factor',
    '1: anything else is not supported here, got 0.5',
  ],
  [{ rope_interleaved: true }, 'rope_interleaved', 'false: anything else'],
  [{ use_sliding_window: true }, 'use_sliding_window', 'false: anything else'],
  [{ sliding_window: 4096 }, 'sliding_window', 'unknown key'],
  [{ eos_token_id: -1 }, 'eos_token_id', 'at least 0'],
  [{ eos_token_id: [2, 'x'] }, 'eos_token_id', 'integers'],
])('%j: the key is named', (extra, key, message) => {
  expect(() => parse(extra)).toThrow(FormatError);
  expect(() => parse(extra)).toThrow('[a/config.json]');
  expect(() => parse(extra)).toThrow(`"${key}"`);
  expect(() => parse(extra)).toThrow(message);
});

test('the end of text is the first of several', () => {
  expect(parse({}).endOfText).toBeUndefined();
  expect(parse({ eos_token_id: 7 }).endOfText).toBe(7);
  expect(parse({ eos_token_id: [9, 7] }).endOfText).toBe(9);
  expect(parse({ eos_token_id: [] }).endOfText).toBeUndefined();
});

test('architectures of other spellings and absent ones pass', () => {
  for (const architectures of [['BitnetForCausalLM'], ['LLaMAForCausalLM'], []])
    expect(parse({ architectures }).family).toBe('llama');
});
