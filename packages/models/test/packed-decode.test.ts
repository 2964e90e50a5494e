/** What is stored for decoding: the same tokens as the model that it was made from, and one clear error for every other file. */

import { normal, write } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import {
  bytesReader,
  memorySink,
  openSafetensors,
  type TensorStore,
  writeSafetensors,
} from '@qsparse/formats';
import {
  createDecoder,
  DENSE,
  type Decoder,
  type DecoderConfig,
  initialize,
  packDecoder,
} from '@qsparse/layers';
import {
  formatModelConfig,
  generateTokens,
  loadPretrained,
  type ModelFiles,
  PACKED_DECODE,
  packedDecodeTensors,
  storedWeights,
  weightsOf,
} from '@qsparse/models';
import { afterAll, describe, expect, test } from 'vitest';

const device = referenceDevice();
afterAll(() => device.dispose());

const CONFIG: DecoderConfig = {
  vocabularySize: 90,
  hiddenSize: 64,
  intermediateSize: 96,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  headSize: 16,
  contextLength: 64,
  slidingWindow: 0,
  ropeTheta: 10_000,
  normEpsilon: 1e-5,
  activation: 'squared-relu',
  subLayerNorms: true,
  tiedEmbedding: true,
  linear: { ...DENSE, sparsity: { kind: 'top-k', sparsity: 0.5 }, weights: 'ternary', activations: 'int8' },
};

function randomModel(): Decoder {
  const model = createDecoder(device, CONFIG, { gradients: false });
  initialize(model, 3);
  // Far from uniform, so that the likeliest token is no matter of rounding.
  const table = model.arena.params.get('model.embed_tokens.weight')!;
  write(table, normal(7, 0, table.size));
  return model;
}

async function fileOf(tensors: Parameters<typeof writeSafetensors>[1], metadata: Record<string, string>) {
  const sink = memorySink();
  await writeSafetensors(sink, tensors, { metadata });
  return sink.bytes();
}

const encoder = new TextEncoder();
const config = encoder.encode(JSON.stringify(formatModelConfig(CONFIG)));
const filesWith = (weights: Uint8Array, json: Uint8Array = config): ModelFiles => ({
  name: 'folder',
  async open(name) {
    const bytes = { 'config.json': json, 'model.safetensors': weights }[name];
    return bytes && bytesReader(bytes as Uint8Array<ArrayBuffer>, name);
  },
});
const storeOf = (bytes: Uint8Array<ArrayBuffer>): Promise<TensorStore> =>
  openSafetensors(bytesReader(bytes, 'model.safetensors'));

async function greedy(model: Decoder): Promise<number[]> {
  const tokens: number[] = [];
  for await (const token of generateTokens(model, [5, 1, 33], { maxTokens: 24, temperature: 0 }))
    tokens.push(token);
  return tokens;
}

const original = randomModel();
const plain = await fileOf(weightsOf(original), { format: 'pt' });
const stored = packedDecodeTensors(CONFIG, await storeOf(plain));
const packed = await fileOf(stored, { ...PACKED_DECODE });

describe('round trip', () => {
  test('the same greedy tokens as packed at load time, and weights of two bits alone', async () => {
    original.packed = await packDecoder(original);
    const expected = await greedy(original);
    const { model } = await loadPretrained(filesWith(packed), device);
    expect(await greedy(model)).toEqual(expected);
    expect([...model.arena.params.keys()].filter((name) => name.endsWith('_proj.weight'))).toEqual([]);
    for (const [layer, block] of original.packed.blocks.entries()) {
      for (const matrix of ['queryKeyValue', 'output', 'gateUp', 'down'] as const) {
        const own = model.packed!.blocks[layer]![matrix];
        expect(Buffer.from((await own.w.data()) as Int8Array)).toEqual(
          Buffer.from((await block[matrix].w.data()) as Int8Array),
        );
        const [got, want] = [await own.scales!.data(), await block[matrix].scales!.data()];
        for (const [i, scale] of [...(want as Float32Array)].entries()) expect(got[i]).toBeCloseTo(scale, 6);
      }
    }
    model.dispose();
    original.packed.dispose();
    original.packed = undefined;
  });

  test('weights that were rounded before give the same file', async () => {
    const rounded = await fileOf(storedWeights(CONFIG, await storeOf(plain), { form: 'packed' }), {
      format: 'pt',
    });
    const again = packedDecodeTensors(CONFIG, await storeOf(rounded), { ternaryScale: 'multiplies' });
    expect(Buffer.from(await fileOf(again, { ...PACKED_DECODE }))).toEqual(Buffer.from(packed));
  });

  test('an embedding in int8 is the one that is made at load time', async () => {
    const small = await fileOf(
      packedDecodeTensors(CONFIG, await storeOf(plain), { vocabulary: 'int8' }),
      PACKED_DECODE,
    );
    expect(small.length).toBeLessThan(packed.length - 2.5 * 90 * 64);
    original.packed = await packDecoder(original, { vocabulary: 'int8' });
    const { model } = await loadPretrained(filesWith(small), device);
    expect(await greedy(model)).toEqual(await greedy(original));
    expect(model.arena.params.has('model.embed_tokens.weight')).toBe(false);
    model.dispose();
    original.packed.dispose();
    original.packed = undefined;
  });

  test('progress ends with all bytes; memory is given back', async () => {
    const before = device.memory();
    const seen: number[] = [];
    const { model } = await loadPretrained(filesWith(packed), device, {
      onProgress: ({ bytes, totalBytes }) => seen.push(bytes / totalBytes),
    });
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    model.dispose();
    expect(device.memory().count).toBe(before.count);
  });
});

const changed = async (
  change: (tensors: typeof stored) => typeof stored,
  metadata: Record<string, string> = { ...PACKED_DECODE },
) => fileOf(change(stored), metadata);
const QKV = 'model.layers.1.self_attn.qkv';

describe('other files', () => {
  test.each<[string, () => Promise<Uint8Array>, RegExp]>([
    [
      'another layout',
      () => changed((all) => all, { ...PACKED_DECODE, layout: '2' }),
      /layout 1 .*got "2"; export/,
    ],
    ['no layout', () => changed((all) => all, { format: PACKED_DECODE.format! }), /layout 1 .*got none/],
    [
      'a matrix missing',
      () => changed((all) => all.filter(({ name }) => name !== `${QKV}.packed`)),
      /qkv\.packed" .*is missing/,
    ],
    [
      'factors missing',
      () => changed((all) => all.filter(({ name }) => name !== `${QKV}.factors`)),
      /qkv\.factors" .*is missing/,
    ],
    [
      'one matrix too many',
      () =>
        changed((all) => [...all, { name: 'more.packed', dtype: 'u8', shape: [1], data: new Uint8Array(1) }]),
      /"more\.packed" belongs to no part/,
    ],
    [
      'another shape',
      () =>
        changed((all) =>
          all.map((one) =>
            one.name === `${QKV}.packed` ? { ...one, shape: [64, 128], data: new Uint8Array(64 * 128) } : one,
          ),
        ),
      /must have shape \[64, 64\], got \[64, 128\]/,
    ],
    [
      'another dtype',
      () =>
        changed((all) =>
          all.map((one) =>
            one.name === `${QKV}.packed`
              ? { ...one, dtype: 'i8' as const, data: new Int8Array(64 * 64) }
              : one,
          ),
        ),
      /must be u8, got i8/,
    ],
    [
      'a code that is no weight',
      () =>
        changed((all) =>
          all.map((one) =>
            one.name === `${QKV}.packed`
              ? { ...one, data: new Uint8Array(64 * 64).fill(0x55).fill(0x57, 5, 6) }
              : one,
          ),
        ),
      /qkv\.packed" has a code 3 in bytes 4 to 7/,
    ],
    [
      'a factor that is no number',
      () =>
        changed((all) =>
          all.map((one) =>
            one.name === `${QKV}.factors` ? { ...one, data: Float32Array.of(1, Number.NaN, 1) } : one,
          ),
        ),
      /qkv\.factors" must hold numbers of at least 0, got NaN/,
    ],
    ['a truncated file', async () => packed.slice(0, packed.length - 100), /safetensors/],
  ])('%s', async (_, make, message) => {
    const before = device.memory().count;
    await expect(loadPretrained(filesWith(await make()), device)).rejects.toThrow(message);
    expect(device.memory().count).toBe(before);
  });

  test('a config of full weights, or of wider layers', async () => {
    const full = { ...CONFIG, linear: { ...CONFIG.linear, weights: 'full' as const } };
    const wide = { ...CONFIG, intermediateSize: 128 };
    for (const [other, message] of [
      [full, /ternary weights and int8 activations is required, got full/],
      [wide, /must have shape/],
    ] as const) {
      const json = encoder.encode(JSON.stringify(formatModelConfig(other)));
      await expect(loadPretrained(filesWith(packed, json), device)).rejects.toThrow(message);
    }
  });

  test('training, bf16 and export are refused with the way out', async () => {
    for (const options of [{ gradients: true }, { compute: 'bf16' as const }])
      await expect(loadPretrained(filesWith(packed), device, options)).rejects.toThrow(/exported from/);
    const store = await storeOf(packed);
    expect(() => storedWeights(CONFIG, store)).toThrow(/can only generate text/);
    expect(() => packedDecodeTensors(CONFIG, store)).toThrow(/can only generate text/);
  });

  test('a model without int8 activations has no such form', async () => {
    const other = { ...CONFIG, linear: { ...CONFIG.linear, activations: 'full' as const } };
    expect(() => packedDecodeTensors(other, { tensors: new Map() } as never)).toThrow(/full activations/);
  });
});
