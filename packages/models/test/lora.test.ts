import {
  bytesReader,
  FormatError,
  memorySink,
  openSafetensors,
  type TensorStore,
  type TensorToWrite,
  writeSafetensors,
} from '@qsparse/formats';
import { formatAdapterConfig, mergedWeights, parseAdapterConfig } from '@qsparse/models/lora';
import { describe, expect, test } from 'vitest';

const ROOT = 'base_model.model.model.layers.0.self_attn.q_proj';
const A = Float32Array.of(1, 2, 3, -1, 0, 1); // [2, 3]
const B = Float32Array.of(1, 0, 0, 2); // [2, 2]
const tensors = (some: Readonly<Record<string, readonly [number[], Float32Array]>>): TensorToWrite[] =>
  Object.entries(some).map(([name, [shape, data]]) => ({ name, dtype: 'f32', shape, data }));
const weights = tensors({
  'model.layers.0.self_attn.q_proj.weight': [[2, 3], Float32Array.of(10, 20, 30, 40, 50, 60)],
  'model.norm.weight': [[3], Float32Array.of(1, 1, 1)],
});

async function store(list: readonly TensorToWrite[]): Promise<TensorStore> {
  const sink = memorySink();
  await writeSafetensors(sink, list);
  return openSafetensors(bytesReader(sink.bytes(), 'adapter_model.safetensors'));
}

const halves = { [`${ROOT}.lora_A.weight`]: [[2, 3], A], [`${ROOT}.lora_B.weight`]: [[2, 2], B] } as const;

test('W + alpha / rank · B A, and what has no adapter stays as it is', async () => {
  const adapter = await store(tensors(halves as never));
  const merged = mergedWeights(weights, adapter, { rank: 2, alpha: 4 });
  const read = async ({ data }: TensorToWrite) => (typeof data === 'function' ? await data() : data);
  // B A = [[1, 2, 3], [-2, 0, 2]], twice.
  expect(await read(merged[0]!)).toEqual(Float32Array.of(12, 24, 36, 36, 50, 64));
  expect(merged[1]).toBe(weights[1]);
});

describe('an adapter of another model is named by its first tensor', () => {
  test.each<[string, Record<string, readonly [number[], Float32Array]>, string]>([
    ['unknown', { 'base_model.model.x.lora_A.weight': [[2, 3], A] }, 'belongs to no weight of the model'],
    ['no adapter', { 'lm_head.weight': [[2, 3], A] }, 'belongs to no weight of the model'],
    ['a vector', { 'base_model.model.model.norm.lora_A.weight': [[2, 3], A] }, 'belongs to no weight'],
    [
      'another rank',
      { ...(halves as object), [`${ROOT}.lora_A.weight`]: [[1, 3], A.slice(0, 3)] },
      'must have shape [2, 3], got [1, 3]',
    ],
    ['half', { [`${ROOT}.lora_A.weight`]: [[2, 3], A] }, 'has no other half'],
  ])('%s', async (_, some, message) => {
    const adapter = await store(tensors(some));
    expect(() => mergedWeights(weights, adapter, { rank: 2, alpha: 4 })).toThrow(FormatError);
    expect(() => mergedWeights(weights, adapter, { rank: 2, alpha: 4 })).toThrow(message);
  });
});

test('adapter_config.json says what PEFT needs, and comes back', () => {
  const json = formatAdapterConfig({ rank: 8, alpha: 16, targets: ['q_proj', 'v_proj'] }, 'models/base');
  expect(json).toMatchObject({
    peft_type: 'LORA',
    r: 8,
    lora_alpha: 16,
    target_modules: ['q_proj', 'v_proj'],
  });
  expect(parseAdapterConfig(json)).toEqual({ rank: 8, alpha: 16, base: 'models/base' });
  expect(parseAdapterConfig({ ...json, use_dora: false, rank_pattern: {}, modules_to_save: null }).rank).toBe(
    8,
  );
});

test.each([
  ['peft_type', 'IA3'],
  ['use_dora', true],
  ['use_rslora', true],
  ['bias', 'all'],
  ['rank_pattern', { q_proj: 4 }],
  ['modules_to_save', ['lm_head']],
  ['r', 0],
])('%s %j is refused', (key, value) => {
  const json = { ...formatAdapterConfig({ rank: 8, alpha: 16, targets: ['q_proj'] }, 'x'), [key]: value };
  expect(() => parseAdapterConfig(json as never)).toThrow(FormatError);
  expect(() => parseAdapterConfig(json as never)).toThrow(key);
});
