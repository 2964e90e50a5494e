import { bytesReader, type LoadedTensor } from '@qsparse/formats';
import {
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
import { expect, test } from 'vitest';
import { failure } from '../helpers/outcome.ts';
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

test('types that cannot be read, and files that describe no model, are refused at once', async () => {
  const { model } = await tinyGgufModel();
  const tensors: GgufTensorToWrite[] = [
    { name: 'blk.0.ffn_up.weight', type: 'Q4_K', shape: [256], data: new Uint8Array(144) },
  ];
  const open = async (metadata?: ReturnType<typeof llamaMetadata>) =>
    openGguf(bytesReader(await writtenGguf(tensors, metadata ? { metadata } : {}), 'm.gguf'));
  const file = await open(llamaMetadata(model));
  const error = await failure(() => huggingFaceStore(file), 'dtype');
  expect(error.message).toMatch(
    /^\[gguf\] m\.gguf, tensor "blk\.0\.ffn_up\.weight": elements of F32.*got Q4_K/,
  );
  const bare = await open();
  await failure(() => huggingFaceStore(bare), 'missing-key');
});
