import { bytesReader, type FormatErrorCode, type LoadedTensor } from '@qsparse/formats';
import {
  type GgufMetadata,
  type GgufTensorToWrite,
  huggingFaceStore,
  llama3RopeFactors,
  llamaMetadata,
  openGguf,
  parseLlamaMetadata,
  parseTokenizerMetadata,
  ROPE_FACTORS,
  tokenizerJsonFromGguf,
} from '@qsparse/formats/gguf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failure, successOrFormatError } from '../helpers/outcome.ts';
import { TERNARY_SCALE, tinyGgufModel } from '../helpers/tiny-gguf-model.ts';
import { writtenGguf } from '../helpers/written-gguf.ts';

type Numbers = Float32Array | Int8Array;

/** Bit by bit, without a message of a million numbers. */
function sameBits(got: LoadedTensor['data'], expected: Numbers): boolean {
  const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
    Buffer.from(buffer, byteOffset, byteLength);
  return got.constructor === expected.constructor && bytes(got).equals(bytes(expected));
}

test.each(['llama', 'qwen2', 'qwen3'] as const)(
  'a whole %s model in F32 comes back bit by bit',
  async (architecture) => {
    const { model, tensors, bytes, tokenizer } = await tinyGgufModel({ architecture });
    const file = await openGguf(bytesReader(bytes, 'tiny.gguf'));
    expect(parseLlamaMetadata(file.metadata)).toEqual(model);
    expect(tokenizerJsonFromGguf(parseTokenizerMetadata(file.metadata)).model).toEqual(tokenizer.model);
    const store = huggingFaceStore(file);
    expect([...store.tensors.keys()]).toEqual(tensors.map(({ name }) => name));
    for (const { name, shape, data } of tensors) {
      expect(store.tensors.get(name)).toMatchObject({ name, dtype: 'f32', shape });
      const loaded = await store.read(name);
      expect([loaded.name, loaded.dtype, loaded.shape]).toEqual([name, 'f32', shape]);
      expect(sameBits(loaded.data, data), name).toBe(true);
    }
    expect(store.metadata.get('general.name')).toBe('tiny');
    // Rows of queries and keys have moved in the file where llama.cpp wants neighbours.
    const stored = new Float32Array((await file.read('blk.0.attn_q.weight')).bytes.slice().buffer);
    const original = tensors.find(({ name }) => name.endsWith('0.self_attn.q_proj.weight'))!.data;
    const row = (rows: Float32Array, at: number) => rows.subarray(at * 256, at * 256 + 256);
    const moved = architecture === 'llama';
    expect(row(stored, 1)).toEqual(row(original, moved ? 32 : 1));
    expect(row(stored, 64 + 2)).toEqual(row(original, moved ? 64 + 1 : 64 + 2));
  },
);

test.each(['TQ1_0', 'TQ2_0'] as const)(
  'a ternary model in %s, as floats and as integers beside their scale',
  async (type) => {
    const { tensors, bytes } = await tinyGgufModel({ type });
    const open = async () => openGguf(bytesReader(bytes));
    const floats = huggingFaceStore(await open());
    const integers = huggingFaceStore(await open(), { ternary: 'integer' });
    for (const { name, shape, data } of tensors) {
      const isLinear = name.includes('_proj.');
      const isEmbedding = /embed_tokens|lm_head/.test(name);
      const loaded = await floats.read(name);
      expect(loaded.dtype).toBe(isEmbedding ? 'f16' : 'f32');
      if (!isEmbedding) expect(sameBits(loaded.data, data), name).toBe(true);
      if (!isLinear) continue;
      const ternary = await integers.read(name);
      expect([ternary.dtype, ternary.shape]).toEqual(['i8', shape]);
      const integersOf = Int8Array.from(data, (value) => value / TERNARY_SCALE);
      expect(sameBits(ternary.data, integersOf), name).toBe(true);
      const scale = await integers.read(`${name}_scale`);
      expect(scale).toMatchObject({ dtype: 'f32', shape: [1], data: Float32Array.of(TERNARY_SCALE) });
    }
    expect(integers.tensors.get('model.layers.0.mlp.up_proj.weight_scale')).toMatchObject({
      dtype: 'f32',
      shape: [1],
    });
    expect(floats.tensors.has('model.layers.0.mlp.up_proj.weight_scale')).toBe(false);
  },
);

test('Q8_0 is close; F16 and BF16 stay what they are', async () => {
  const q8 = await tinyGgufModel({ type: 'Q8_0', tiedEmbedding: true });
  const store = huggingFaceStore(await openGguf(bytesReader(q8.bytes)));
  expect(store.tensors.has('lm_head.weight')).toBe(false);
  for (const { name, data } of q8.tensors) {
    const loaded = (await store.read(name)).data as Float32Array;
    const error = loaded.reduce((most, value, i) => Math.max(most, Math.abs(value - data[i]!)), 0);
    expect(error, name).toBeLessThanOrEqual(name.includes('norm') ? 0 : 0.005);
  }
  for (const [type, dtype] of [
    ['F16', 'f16'],
    ['BF16', 'bf16'],
  ] as const) {
    const { bytes } = await tinyGgufModel({ type });
    const loaded = await huggingFaceStore(await openGguf(bytesReader(bytes))).read(
      'model.layers.1.self_attn.k_proj.weight',
    );
    expect([loaded.dtype, loaded.shape]).toEqual([dtype, [128, 256]]);
    expect(loaded.data).toBeInstanceOf(Uint16Array);
  }
});

test('tensors beside the model: rope factors are left out, others keep their names', async () => {
  const { model } = await tinyGgufModel();
  const metadata = llamaMetadata(model);
  const scaling = { factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalLength: 64 };
  const factors = llama3RopeFactors(scaling, model);
  const tensors: GgufTensorToWrite[] = [
    { name: ROPE_FACTORS, type: 'F32', shape: [32], data: factors },
    { name: 'strange', type: 'F32', shape: [1], data: Float32Array.of(1) },
  ];
  const store = huggingFaceStore(await openGguf(bytesReader(await writtenGguf(tensors, { metadata }))));
  expect([...store.tensors.keys()]).toEqual(['strange']);
  await failure(() => store.read(ROPE_FACTORS), 'missing-tensor');
  await failure(() => store.read('stranger'), 'missing-tensor');
});

describe('refused at once', () => {
  const open = async (tensors: readonly GgufTensorToWrite[], metadata?: GgufMetadata) =>
    openGguf(bytesReader(await writtenGguf(tensors, metadata ? { metadata } : {}), 'm.gguf'));
  const f32 = (name: string, rows: number): GgufTensorToWrite => {
    return { name, type: 'F32', shape: [rows, 1], data: new Float32Array(rows) };
  };
  const quantised = {
    name: 'blk.0.ffn_up.weight',
    type: 'Q4_K',
    shape: [256],
    data: new Uint8Array(144),
  } as const;

  test.each<[string, GgufTensorToWrite[], FormatErrorCode, RegExp]>([
    [
      'a type that cannot be read',
      [quantised],
      'dtype',
      /tensor "blk.0.ffn_up.weight": elements of F32.*got Q4_K/,
    ],
    [
      'rows of no heads',
      [f32('blk.3.attn_k.weight', 6)],
      'shape',
      /tensor "blk.3.attn_k.weight": rows for 2 heads/,
    ],
    ['no rows', [f32('blk.3.attn_q.weight', 0)], 'shape', /got shape \[0, 1\]/],
    [
      'two of one name',
      [f32('output.weight', 1), f32('lm_head.weight', 1)],
      'duplicate-key',
      /another one is "lm_head/,
    ],
  ])('%s', async (_, tensors, code, message) => {
    const file = await open(tensors, llamaMetadata((await tinyGgufModel()).model));
    const error = await failure(() => huggingFaceStore(file), code);
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^\[gguf\] m\.gguf, tensor "/);
  });

  test('a file that describes no model', async () => {
    const file = await open([quantised]);
    await failure(() => huggingFaceStore(file), 'missing-key');
  });
});

test('a damaged model: success, or one clear line', async () => {
  const { bytes } = await tinyGgufModel({ type: 'TQ2_0', tiedEmbedding: true });
  const { tensors } = await openGguf(bytesReader(bytes));
  const headerBytes = Math.min(...[...tensors.values()].map(({ byteOffset }) => byteOffset));
  const flip = fc.tuple(fc.nat(headerBytes - 1), fc.integer({ min: 1, max: 255 }));
  await fc.assert(
    fc.asyncProperty(fc.array(flip, { minLength: 1, maxLength: 3 }), async (flips) => {
      const damaged = bytes.slice();
      for (const [at, mask] of flips) damaged[at] = damaged[at]! ^ mask;
      await successOrFormatError(async () => {
        const file = await openGguf(bytesReader(damaged));
        await successOrFormatError(() => tokenizerJsonFromGguf(parseTokenizerMetadata(file.metadata)));
        const store = huggingFaceStore(file, { ternary: 'integer' });
        for (const name of store.tensors.keys())
          if (name.includes('.0.self_attn.')) await successOrFormatError(() => store.read(name));
      });
    }),
    { numRuns: 150 },
  );
});
