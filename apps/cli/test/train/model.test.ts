import { expect, test } from 'vitest';
import { decoderConfig } from '../../src/train/model.ts';
import { mergeSettings, presetSettings, SettingError, type SomeSettings } from '../../src/train/settings.ts';

const tiny = presetSettings('tiny');
const config = (some: SomeSettings) => decoderConfig(mergeSettings(tiny, some, 'test'), 300);

test('settings become the config of the decoder', () => {
  expect(
    config({ width: 64, heads: 4, 'kv-heads': 2, 'feed-forward': 96, context: 32, layers: 3 }),
  ).toMatchObject({
    vocabularySize: 300,
    hiddenSize: 64,
    intermediateSize: 96,
    layers: 3,
    heads: 4,
    keyValueHeads: 2,
    headSize: 16,
    contextLength: 32,
    activation: 'squared-relu',
    subLayerNorms: true,
    tiedEmbedding: true,
    linear: {
      sparsity: { kind: 'top-k', sparsity: 0.6 },
      weights: 'ternary',
      activations: 'int8',
      straightThrough: true,
      rescale: 'none',
    },
  });
  expect(config({ sparsity: 0 }).linear.sparsity).toEqual({ kind: 'dense' });
  expect(config({ block: '16:32' }).linear.sparsity).toEqual({ kind: 'block', keep: 16, block: 32 });
  expect(config({ activation: 'silu', rescale: 'unit', 'straight-through': false })).toMatchObject({
    activation: 'silu',
    linear: { rescale: 'unit', straightThrough: false },
  });
});

test.each<[SomeSettings, string]>([
  [{ width: 100, heads: 3 }, 'width must be a multiple of heads, got 100 and 3'],
  [{ width: 12, heads: 4, 'kv-heads': 4 }, 'width / heads must be even, got 12 / 4'],
  [{ heads: 4, 'kv-heads': 3 }, 'heads must be a multiple of kv-heads, got 4 and 3'],
  [{ block: '0:32' }, 'block must be KEEP:BLOCK with KEEP from 1 to BLOCK, for instance 16:32, got "0:32"'],
  [{ block: '33:32' }, 'got "33:32"'],
  [{ block: 'half' }, 'got "half"'],
  [{ block: '2:5' }, 'width must be a multiple of the block 2:5, got 128'],
  [{ block: '64:128', 'feed-forward': 192 }, 'feed-forward must be a multiple of the block 64:128, got 192'],
])('%j do not fit together', (some, message) => {
  expect(() => config(some)).toThrow(SettingError);
  expect(() => config(some)).toThrow(`[train] `);
  expect(() => config(some)).toThrow(message);
});

test('what is absurd is refused before it takes memory', () => {
  expect(() => config({ layers: 1e9 })).toThrow('layers must be at most');
  expect(() => config({ context: 2 ** 40 })).toThrow('contextLength · headSize must be at most');
});
