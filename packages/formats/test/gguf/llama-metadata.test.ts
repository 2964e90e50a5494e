import {
  FILE_TYPES,
  type GgufValue,
  type LlamaModel,
  llamaMetadata,
  parseLlamaMetadata,
} from '@qsparse/formats/gguf';
import { describe, expect, test } from 'vitest';
import { failure } from '../helpers/outcome.ts';

const LLAMA: LlamaModel = {
  architecture: 'llama',
  name: 'a model',
  vocabularySize: 128_256,
  hiddenSize: 2048,
  intermediateSize: 8192,
  layers: 16,
  heads: 32,
  keyValueHeads: 8,
  headSize: 64,
  contextLength: 131_072,
  normEpsilon: 1e-5,
  ropeTheta: 500_000,
  ropeScaling: undefined,
  slidingWindow: 0,
  fileType: FILE_TYPES.TQ2_0,
};

const u32 = (value: number): GgufValue => ({ type: 'u32', value });
const text = (value: string): GgufValue => ({ type: 'string', value });
const f32 = (value: number): GgufValue => ({ type: 'f32', value });

test("the keys that llama.cpp's converter writes for Llama", () => {
  expect(Object.fromEntries(llamaMetadata(LLAMA))).toEqual({
    'general.architecture': text('llama'),
    'general.type': text('model'),
    'general.name': text('a model'),
    'llama.vocab_size': u32(128_256),
    'llama.context_length': u32(131_072),
    'llama.embedding_length': u32(2048),
    'llama.block_count': u32(16),
    'llama.feed_forward_length': u32(8192),
    'llama.attention.head_count': u32(32),
    'llama.attention.head_count_kv': u32(8),
    'llama.attention.key_length': u32(64),
    'llama.attention.value_length': u32(64),
    'llama.attention.layer_norm_rms_epsilon': f32(1e-5),
    'llama.rope.dimension_count': u32(64),
    'llama.rope.freq_base': f32(500_000),
    'general.file_type': u32(37),
    'general.quantization_version': u32(2),
  });
});

/** As a file holds it: float32. */
function stored(metadata: ReadonlyMap<string, GgufValue>): Map<string, GgufValue> {
  return new Map(
    [...metadata].map(([key, value]) => [key, value.type === 'f32' ? f32(Math.fround(value.value)) : value]),
  );
}

test.each<[string, Partial<LlamaModel>]>([
  ['Llama', {}],
  [
    'Qwen3 with heads of its own',
    { architecture: 'qwen3', headSize: 128, name: undefined, fileType: undefined },
  ],
  ['Mistral with a window', { slidingWindow: 4096, normEpsilon: 1e-6, ropeTheta: 10_000 }],
  ['linear scaling', { ropeScaling: { kind: 'linear', factor: 2.5 } }],
  ['yarn', { architecture: 'qwen2', ropeScaling: { kind: 'yarn', factor: 4, originalLength: 32_768 } }],
  [
    'yarn in full',
    { ropeScaling: { kind: 'yarn', factor: 4, originalLength: 1, betaFast: 32, betaSlow: 1.1 } },
  ],
  ['BitNet', { architecture: 'bitnet-b1.58' }],
])('%s comes back as it was', (_, change) => {
  const model = { ...LLAMA, ...change };
  expect(parseLlamaMetadata(stored(llamaMetadata(model)))).toEqual(model);
});

describe('files of other writers', () => {
  const parse = (change: Record<string, GgufValue | undefined>) => {
    const entries = Object.entries({ ...Object.fromEntries(llamaMetadata(LLAMA)), ...change });
    return parseLlamaMetadata(
      new Map(entries.filter((pair): pair is [string, GgufValue] => pair[1] !== undefined)),
      'm.gguf',
    );
  };

  test('integers of any type, and what may be absent', () => {
    const model = parse({
      'llama.block_count': { type: 'u64', value: 16n },
      'llama.context_length': { type: 'i32', value: 131_072 },
      'llama.attention.head_count_kv': undefined,
      'llama.attention.key_length': undefined,
      'llama.attention.value_length': undefined,
      'llama.rope.dimension_count': undefined,
      'llama.rope.freq_base': undefined,
      'llama.vocab_size': undefined,
      'tokenizer.ggml.tokens': { type: 'array', of: 'string', value: ['a', 'b'] },
      'llama.rope.scaling.type': text('linear'),
      'llama.rope.scaling.factor': f32(1),
      'general.name': undefined,
      'general.file_type': undefined,
    });
    expect(model).toEqual({
      ...LLAMA,
      name: undefined,
      fileType: undefined,
      keyValueHeads: 32,
      ropeTheta: 10_000,
      vocabularySize: 2,
    });
  });

  test.each<[string, Record<string, GgufValue | undefined>, 'value' | 'missing-key', RegExp]>([
    [
      'no architecture',
      { 'general.architecture': undefined },
      'missing-key',
      /key "general.architecture": text is required/,
    ],
    [
      'another one',
      { 'general.architecture': text('gpt2') },
      'value',
      /one of llama, qwen2.*got "gpt2" \(string\)/,
    ],
    ['a number as architecture', { 'general.architecture': u32(1) }, 'value', /got 1 \(u32\)/],
    [
      'no layers',
      { 'llama.block_count': undefined },
      'missing-key',
      /"llama.block_count": an integer.*no such key/,
    ],
    ['0 layers', { 'llama.block_count': u32(0) }, 'value', /at least 1 is required, got 0/],
    ['a text as count', { 'llama.block_count': text('16') }, 'value', /got "16" \(string\)/],
    ['a float as count', { 'llama.block_count': f32(16) }, 'value', /got 16 \(f32\)/],
    ['a negative count', { 'llama.block_count': { type: 'i64', value: -1n } }, 'value', /got -1 \(i64\)/],
    [
      'heads per layer',
      { 'llama.attention.head_count_kv': { type: 'array', of: 'u32', value: new Uint32Array(2) } },
      'value',
      /an array of 2 \(u32\)/,
    ],
    [
      'heads of a fraction',
      { 'llama.attention.head_count': u32(3), 'llama.attention.key_length': undefined },
      'value',
      /a divisor of 2048/,
    ],
    [
      'rotary positions on a part',
      { 'llama.rope.dimension_count': u32(32) },
      'value',
      /64, the size of a head/,
    ],
    ['values of another size', { 'llama.attention.value_length': u32(32) }, 'value', /value_length/],
    [
      'an epsilon that is not finite',
      { 'llama.attention.layer_norm_rms_epsilon': f32(Number.NaN) },
      'value',
      /a finite number/,
    ],
    [
      'another scaling',
      { 'llama.rope.scaling.type': text('longrope'), 'llama.rope.scaling.factor': f32(2) },
      'value',
      /none, linear or yarn/,
    ],
    ['no vocabulary', { 'llama.vocab_size': undefined }, 'missing-key', /"llama.vocab_size"/],
  ])('%s is refused', async (_, change, code, message) => {
    const error = await failure(() => parse(change), code);
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^\[gguf\] m\.gguf, key "/);
    expect(error.file).toBe('m.gguf');
  });
});

test.each<[string, Partial<LlamaModel>]>([
  ['architecture', { architecture: 'gpt2' as never }],
  ['heads', { heads: 0 }],
  ['layers', { layers: 1.5 }],
  ['contextLength', { contextLength: 2 ** 32 }],
  ['normEpsilon', { normEpsilon: 0 }],
  ['ropeTheta', { ropeTheta: Number.NaN }],
  ['ropeTheta', { ropeTheta: 1e39 }],
  ['slidingWindow', { slidingWindow: -1 }],
  ['ropeScaling.factor', { ropeScaling: { kind: 'linear', factor: -2 } }],
  ['ropeScaling.originalLength', { ropeScaling: { kind: 'yarn', factor: 2, originalLength: 0 } }],
])('a wrong %s is not written', async (field, change) => {
  const error = await failure(() => llamaMetadata({ ...LLAMA, ...change }), 'value');
  expect(error.message).toContain(`[gguf] ${field} to write`);
});
