import { DENSE, type DecoderConfig } from '@qsparse/layers';
import { expect, test } from 'vitest';
import { memoryUse, storedBytes } from '../../src/inspect/memory.ts';

const CONFIG: DecoderConfig = {
  vocabularySize: 10,
  hiddenSize: 4,
  intermediateSize: 8,
  layers: 2,
  heads: 2,
  keyValueHeads: 1,
  headSize: 2,
  contextLength: 4096,
  slidingWindow: 0,
  ropeTheta: 10_000,
  normEpsilon: 1e-5,
  activation: 'silu',
  subLayerNorms: false,
  tiedEmbedding: true,
  linear: DENSE,
};
/** q, k, v, o, gate, up, down; two norms; embedding and last norm. */
const WEIGHTS = 4 * (2 * (16 + 8 + 8 + 16 + 3 * 32 + 2 * 4) + 40 + 4);

test('a token takes a key and a value of each layer; lengths go up to the context', () => {
  expect(memoryUse(CONFIG)).toEqual(
    [512, 2048, 4096].map((contextLength) => {
      const cache = contextLength * 2 * 2 * 2 * 4;
      return { contextLength, cache, total: WEIGHTS + cache };
    }),
  );
  expect(memoryUse({ ...CONFIG, contextLength: 100 }).map((use) => use.contextLength)).toEqual([100]);
});

test('layers with a sliding window keep the window and a chunk', () => {
  const [one] = memoryUse({ ...CONFIG, slidingWindow: 33, slidingLayers: [true, false] });
  expect(one!.cache).toBe((160 + 512) * 2 * 2 * 4);
});

test('bytes by dtype, the most first', () => {
  const tensors = [
    { dtype: 'f32', byteLength: 4 },
    { dtype: 'Q8_0', byteLength: 8 },
    { dtype: 'f32', byteLength: 3 },
  ];
  expect([...storedBytes(tensors)]).toEqual([
    ['Q8_0', 8],
    ['f32', 7],
  ]);
});
