import { noGrad, type Tensor } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import {
  createCache,
  createPackedDecoder,
  DENSE,
  type Decoder,
  initialize,
  logits,
  type PackedSource,
  packDecoder,
} from '@qsparse/layers';
import { encodeInt8 } from '@qsparse/quantizers';
import { expect, test } from 'vitest';
import { someTokens, tinyModel } from './tiny-model.ts';

const device = referenceDevice();
const linear = { ...DENSE, weights: 'ternary', activations: 'int8' } as const;
const read = (x: Tensor) => Array.from(device.values(x));
const all = (model: Decoder, packed?: boolean) =>
  noGrad(() => read(logits(model, someTokens(device, 2, 5), { packed })));

test.each([true, false])(
  'near the logits of the floats, and exactly these without it; tied: %s',
  async (tied) => {
    const model = tinyModel(device, { linear, tiedEmbedding: tied });
    const expected = all(model);
    model.packed = await packDecoder(model, { vocabulary: 'int8' });
    const { embedding, head } = model.packed.vocabulary!;
    expect([embedding.table.dtype, embedding.table.shape, head === embedding]).toEqual(['i8', [11, 8], tied]);
    expect(all(model, false)).toEqual(expected);
    const largest = Math.max(...expected.map(Math.abs));
    const got = all(model);
    expect(got).not.toEqual(expected);
    for (const [i, value] of got.entries())
      expect(Math.abs(value - expected[i]!)).toBeLessThan(0.05 * largest);
    model.dispose();
  },
);

test.each([true, false])('alone, without floats in the arena; tied: %s', async (tied) => {
  const whole = tinyModel(device, { linear, tiedEmbedding: tied });
  const rows = (table: Tensor) => {
    const { values, scales } = encodeInt8(read(table), 8);
    return { codes: values, scales: Float32Array.from(scales) };
  };
  const source: PackedSource = (_, __, { inputs, outputs, sections }) => ({
    bytes: new Uint8Array(inputs * Math.ceil(outputs / 256) * 64).fill(0b01_10_00_01),
    factors: sections.map(() => 0.02),
  });
  const embedding = rows(whole.embedding);
  const head = tied ? undefined : rows(whole.head);
  const model = await createPackedDecoder(device, whole.config, source, { vocabulary: { embedding, head } });
  initialize(model, 1);
  expect([...model.arena.params.keys()].filter((name) => /embed|head/.test(name))).toEqual([]);
  expect(() => model.embedding).toThrow('model.embed_tokens is in the packed form alone');
  const cache = createCache(model, 2);
  cache.seek(0, 5);
  const cached = noGrad(() => read(logits(model, someTokens(device, 2, 5), { cache })));
  for (const [i, value] of all(model).entries()) expect(value).toBeCloseTo(cached[i]!, 10);
  const { codes } = embedding;
  for (const pieces of [
    [codes.subarray(0, 24)],
    [codes, codes],
    [codes.subarray(0, 12), codes.subarray(12)],
  ]) {
    const broken = { vocabulary: { embedding: { ...embedding, codes: pieces }, head } };
    await expect(createPackedDecoder(device, whole.config, source, broken)).rejects.toThrow(
      'rows have 88 codes',
    );
  }
  const pieces = [codes.subarray(0, 24), codes.subarray(24)];
  const inPieces = { vocabulary: { embedding: { ...embedding, codes: pieces }, head } };
  const other = await createPackedDecoder(device, whole.config, source, inPieces);
  expect(read(other.packed!.vocabulary!.embedding.table)).toEqual(
    read(model.packed!.vocabulary!.embedding.table),
  );
  other.dispose();
  const short = { codes: embedding.codes.slice(8), scales: embedding.scales.slice(1) };
  await expect(
    createPackedDecoder(device, whole.config, source, { vocabulary: { embedding: short, head } }),
  ).rejects.toThrow('of 11 rows');
  model.dispose();
});
