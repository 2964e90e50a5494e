import { ValueError } from '@qsparse/core';
import {
  checkConfig,
  DENSE,
  type Sparsity,
  selectionOf,
  shareLeftOut,
  siteWidths,
  sparsityAt,
} from '@qsparse/layers';
import { expect, test } from 'vitest';
import { TINY } from './tiny-model.ts';

const topK = (sparsity: number): Sparsity => ({ kind: 'top-k', sparsity });
const block = (keep: number, length: number): Sparsity => ({ kind: 'block', keep, block: length });

test('K is the floor of what stays, at least 1, and 0.9 of 10 keeps 1', () => {
  expect(selectionOf({ kind: 'dense' }, 10)).toEqual({ k: 10, block: 0 });
  expect(selectionOf(topK(0.9), 10)).toEqual({ k: 1, block: 0 });
  expect(selectionOf(topK(0.6), 128)).toEqual({ k: 51, block: 0 });
  expect(selectionOf(topK(0.999), 10)).toEqual({ k: 1, block: 0 });
  expect(selectionOf(topK(0), 10)).toEqual({ k: 10, block: 0 });
  expect(selectionOf(block(16, 32), 64)).toEqual({ k: 16, block: 32 });
});

test.each([
  [topK(1), 'sparsity must be at least 0 and below 1, got 1'],
  [topK(-0.1), 'sparsity must be at least 0 and below 1, got -0.1'],
  [topK(Number.NaN), 'got NaN'],
  [block(0, 4), 'a block of 4 must keep 1 to 4 entries, got 0'],
  [block(5, 4), 'a block of 4 must keep 1 to 4 entries, got 5'],
  [block(1.5, 4), 'got 1.5'],
  [block(2, 5), 'blocks of 5 must divide the width 8'],
  [block(0, 0), 'blocks of 0 must divide the width 8'],
])('%j is refused', (sparsity, message) => {
  expect(() => selectionOf(sparsity, 8)).toThrow(ValueError);
  expect(() => selectionOf(sparsity, 8)).toThrow(message);
});

test('a site has the selection of all, or its own', () => {
  const linear = { ...DENSE, sparsity: topK(0.6), sparsityBySite: { 'layers.1.o': block(4, 8) } };
  checkConfig({ ...TINY, linear });
  expect(sparsityAt(linear, 'layers.0.o')).toEqual(topK(0.6));
  expect(sparsityAt(linear, 'layers.1.o')).toEqual(block(4, 8));
  expect([...siteWidths(TINY)].slice(4)).toEqual([
    ['layers.1.qkv', 8],
    ['layers.1.o', 16],
    ['layers.1.gate-up', 8],
    ['layers.1.down', 12],
  ]);
});

test('the share that a selection leaves out', () => {
  expect(shareLeftOut({ kind: 'dense' })).toBe(0);
  expect(shareLeftOut(topK(0.6))).toBe(0.6);
  expect(shareLeftOut(block(12, 32))).toBe(0.625);
});

test.each([
  [{ layers: 0 }, 'layers must be a whole number of at least 1, got 0'],
  [{ layers: 1e12 }, 'layers must be at most 10000, got 1000000000000'],
  [{ vocabularySize: 2.5 }, 'vocabularySize must be a whole number of at least 1, got 2.5'],
  [{ intermediateSize: Number.NaN }, 'intermediateSize must be'],
  [{ contextLength: 1e9 }, 'contextLength · headSize must be at most'],
  [{ heads: 3 }, 'heads must be a multiple of keyValueHeads, got 3 and 2'],
  [{ headSize: 3 }, 'headSize must be even for rotary positions, got 3'],
  [{ slidingWindow: -1 }, 'slidingWindow must be 0 (off) or a number of tokens, got -1'],
  [{ slidingLayers: [true] }, 'slidingLayers must have one entry for each of 2 layers, got 1'],
  [{ biases: ['qkv', 'head'] }, 'biases must be at qkv, o, gate-up, down, got qkv, head'],
  [{ ropeTheta: 1 }, 'ropeTheta must be above 1, got 1'],
  [{ normEpsilon: 0 }, 'normEpsilon must be above 0, got 0'],
  [{ linear: { ...DENSE, sparsity: block(4, 8) } }, 'blocks of 8 must divide the width 12'],
  [
    { linear: { ...DENSE, sparsityBySite: { 'layers.1.down': block(4, 8) } } },
    'blocks of 8 must divide the width 12',
  ],
  [
    { linear: { ...DENSE, sparsityBySite: { 'layers.2.down': topK(0.5) } } },
    'sparsityBySite must name sites such as layers.0.qkv, got layers.2.down',
  ],
] as const)('%j is refused by name', (wrong, message) => {
  checkConfig(TINY);
  expect(() => checkConfig({ ...TINY, ...(wrong as object) })).toThrow(ValueError);
  expect(() => checkConfig({ ...TINY, ...(wrong as object) })).toThrow(message);
});
