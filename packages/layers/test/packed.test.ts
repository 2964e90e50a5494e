import { noGrad, type Tensor, tensor, write } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import {
  createCache,
  DENSE,
  type Decoder,
  type DecoderConfig,
  type LinearConfig,
  logits,
  packDecoder,
  packsFaster,
  SITES,
  setSparsity,
  withLora,
} from '@qsparse/layers';
import { describe, expect, test } from 'vitest';
import { someTokens, tinyModel } from './tiny-model.ts';

const TERNARY: LinearConfig = {
  ...DENSE,
  sparsity: { kind: 'top-k', sparsity: 0.6 },
  weights: 'ternary',
  activations: 'int8',
};
const FULL: LinearConfig = { ...DENSE, sparsity: { kind: 'top-k', sparsity: 0.5 } };

const VARIANTS: Readonly<Record<string, Partial<DecoderConfig>>> = {
  'ternary top-K': { linear: TERNARY },
  'ternary, all inputs': { linear: { ...TERNARY, sparsity: { kind: 'dense' } } },
  'ternary, full activations': { linear: { ...TERNARY, activations: 'full' } },
  'ternary blocks': { linear: { ...TERNARY, sparsity: { kind: 'block', keep: 1, block: 4 } } },
  'ternary ReLU': { linear: { ...TERNARY, sparsity: { kind: 'relu' } } },
  'ternary, biases everywhere, head norms': { linear: TERNARY, biases: SITES, queryKeyNorm: true },
  'ternary, rescaled': { linear: { ...TERNARY, rescale: 'preserve' } },
  'sites of their own': {
    linear: { ...TERNARY, sparsityBySite: { 'layers.1.down': { kind: 'top-k', sparsity: 0.9 } } },
  },
  'full top-K': { linear: FULL },
  'full, int8 activations, SwiGLU, tied': {
    linear: { ...FULL, activations: 'int8' },
    activation: 'silu',
    tiedEmbedding: true,
    subLayerNorms: false,
  },
  'a sliding window': { linear: TERNARY, slidingWindow: 3 },
};

const ROWS = 2;
const LENGTH = 9;
const device = referenceDevice();

/** Logits of all tokens but those of the first call, one call a token. */
function tokenByToken(model: Decoder, tokens: Tensor, packed: boolean): Float64Array {
  const cache = createCache(model, ROWS);
  const ids = device.values(tokens);
  const all: number[] = [];
  for (const [start, length] of [
    [0, 3],
    ...Array.from({ length: LENGTH - 3 }, (_, i) => [3 + i, 1]),
  ] as const) {
    const part = [0, 1].flatMap((row) =>
      [...ids].slice(LENGTH * row + start!, LENGTH * row + start! + length!),
    );
    write(cache.position, [start!]);
    const given = tensor(device, part, [ROWS, length!], 'i32');
    const scores = noGrad(() => logits(model, given, { cache, packed }));
    all.push(...device.values(scores));
  }
  cache.dispose();
  return Float64Array.from(all);
}

describe.each(Object.entries(VARIANTS))('%s', (_, overrides) => {
  test('gives the logits of the weights', async () => {
    const model = tinyModel(device, overrides);
    model.packed = await packDecoder(model);
    const tokens = someTokens(device, ROWS, LENGTH);
    const [dense, packed] = [tokenByToken(model, tokens, false), tokenByToken(model, tokens, true)];
    // Codes find their way back from levels to integers: not one may be off. Scales are rounded to float32.
    const worst = Math.max(...packed.map((score, i) => Math.abs(score - dense[i]!)));
    expect(worst).toBeLessThan(1e-7);
    model.dispose();
  });
});

test('another sparsity needs no other packing', async () => {
  const model = tinyModel(device, { linear: FULL });
  model.packed = await packDecoder(model);
  setSparsity(model, { kind: 'block', keep: 3, block: 4 });
  const tokens = someTokens(device, ROWS, LENGTH);
  const dense = tokenByToken(model, tokens, false);
  expect(
    Math.max(...tokenByToken(model, tokens, true).map((score, i) => Math.abs(score - dense[i]!))),
  ).toBeLessThan(1e-9);
  model.dispose();
});

test('serves single tokens of few sequences with a cache, and nothing else', async () => {
  const model = tinyModel(device, { linear: FULL });
  const packed = await packDecoder(model);
  // Weights that would show.
  for (const { queryKeyValue, output, gateUp, down } of packed.blocks)
    for (const { w } of [queryKeyValue, output, gateUp, down]) write(w, new Float64Array(w.size));
  const cache = createCache(model, 2);
  const tokens = someTokens(device, 2, 2);
  const single = someTokens(device, 2, 1);
  const usesIt = (given: Tensor, options: Parameters<typeof logits>[2]): boolean => {
    model.packed = undefined;
    const without = [...device.values(noGrad(() => logits(model, given, options)))];
    model.packed = packed;
    const scores = [...device.values(noGrad(() => logits(model, given, options)))];
    return scores.some((score, i) => score !== without[i]);
  };
  expect(usesIt(single, { cache })).toBe(true);
  expect(usesIt(single, {})).toBe(false);
  expect(usesIt(tokens, { cache })).toBe(false);
  expect(usesIt(single, { cache, packed: false })).toBe(false);
  expect(usesIt(single, { cache, observe: () => undefined })).toBe(false);
  model.packed = { ...packed, mostRows: 1 };
  const few = device.values(noGrad(() => logits(model, single, { cache })));
  model.packed = undefined;
  expect(device.values(noGrad(() => logits(model, single, { cache })))).toEqual(few);
  model.packed = packed;
  cache.dispose();
  model.dispose();
});

test('pays where the device has the kernel and something is left out or rounded', () => {
  const paying = (linear: LinearConfig) => packsFaster(tinyModel(device, { linear }));
  expect([TERNARY, FULL, DENSE].map(paying)).toEqual([true, true, false]);
  expect(paying({ ...DENSE, sparsityBySite: { 'layers.0.o': { kind: 'relu' } } })).toBe(true);
});

test('memory is the model’s, also when packing fails', async () => {
  const own = referenceDevice();
  const model = tinyModel(own, { linear: TERNARY });
  const before = own.memory();
  const packed = await packDecoder(model);
  // Two bits a weight in whole blocks of 256 outputs, and a scale an output.
  const width = (outputs: number) => Math.ceil(outputs / 256) * 64;
  const layer = 8 * width(32) + 16 * width(8) + 8 * width(24) + 12 * width(8) + 4 * (32 + 8 + 24 + 8);
  expect(packed.bytes).toBe(2 * layer);
  packed.dispose();
  write(model.blocks[1]!.feedForward.down!, new Float64Array(96).fill(Number.NaN));
  await expect(packDecoder(model)).rejects.toThrow(
    '[packDecoder] weights must be finite, got NaN or infinity; load them again',
  );
  await expect(packDecoder(model, { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
  expect({ ...own.memory(), peak: 0, free: 0 }).toEqual({ ...before, peak: 0, free: 0 });
  model.packed = await packDecoder(tinyModel(own, { linear: TERNARY }));
  model.dispose();
});

test('an adapter must be merged first', async () => {
  const model = withLora(tinyModel(device), { rank: 2, alpha: 4, targets: ['v_proj'] }, 1);
  expect(model.packed).toBeUndefined();
  await expect(packDecoder(model)).rejects.toThrow(
    '[packDecoder] takes a model without an adapter, got one with LoRA; merge it first',
  );
});
