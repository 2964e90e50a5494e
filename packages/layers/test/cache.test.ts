import { noGrad, tensor, ValueError } from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import { createCache, type Decoder, type KeyValueCache, logits } from '@qsparse/layers';
import { describe, expect, test } from 'vitest';
import { someTokens, tinyModel } from './tiny-model.ts';

test('one room for keys and one for values a layer, one position for all; all of it is given back', () => {
  const device = nullDevice();
  const model = tinyModel(device);
  const before = device.memory().count;
  const cache = createCache(model, 3);
  expect(cache.layers).toHaveLength(2);
  for (const { keys, values, position, place } of cache.layers) {
    expect(keys.shape).toEqual([3, 10, 2, 4]);
    expect(values.shape).toEqual([3, 10, 2, 4]);
    expect(position).toBe(cache.position);
    expect(place).toBe(position);
  }
  expect(device.memory().count).toBe(before + 5);
  cache.dispose();
  expect(device.memory().count).toBe(before);
});

test.each([0, -1, 1.5, 11, Number.NaN])('a capacity of %d is refused', (capacity) => {
  const model = tinyModel(nullDevice());
  expect(() => createCache(model, 1, capacity)).toThrow(ValueError);
  expect(() => createCache(model, 1, capacity)).toThrow('capacity must be from 1 to the context length 10');
});

/** Of the tiny model. */
const VOCABULARY = 11;

describe.each([
  ['no window', { slidingWindow: 0 }, [160, 160]],
  ['a window of 5', { slidingWindow: 5 }, [68, 68]],
  ['a window in the second layer', { slidingWindow: 9, slidingLayers: [false, true] }, [160, 72]],
  ['a window of 1', { slidingWindow: 1 }, [64, 64]],
] as const)('%s', (_, overrides, rooms) => {
  const device = referenceDevice();
  const model = tinyModel(device, { ...overrides, contextLength: 160 });
  const texts = someTokens(device, 2, 160);
  const ids = [0, 1].map((row) => [...device.values(texts)].slice(160 * row, 160 * (row + 1)));
  const whole = device.values(noGrad(() => logits(model, texts)));

  const compute = (cache: KeyValueCache, parts: readonly (readonly number[])[]) =>
    device.values(
      noGrad(() =>
        logits(model, tensor(device, parts.flat(), [parts.length, parts[0]!.length], 'i32'), { cache }),
      ),
    );
  const expectRow = (actual: Float64Array, row: number, from: number) => {
    for (const [i, value] of actual.entries())
      expect(value).toBeCloseTo(whole[(160 * row + from) * VOCABULARY + i]!, 9);
  };

  test('the room of a sliding layer is its window and a call; the logits are those without a cache', () => {
    const cache = createCache(model, 2, 160, { longestCall: 30 });
    expect(cache.layers.map(({ keys }) => keys.shape[1])).toEqual(rooms);
    for (const length of [1, 30, 13]) {
      for (let from = 0; from < 160; from += length) {
        const end = Math.min(160, from + length);
        cache.seek(from, end - from);
        const part = compute(
          cache,
          ids.map((text) => text.slice(from, end)),
        );
        for (const row of [0, 1]) {
          const size = (end - from) * VOCABULARY;
          expectRow(part.subarray(row * size, (row + 1) * size), row, from);
        }
      }
    }
    cache.dispose();
  });

  test('texts at places of their own: read alone in chunks, then on together', () => {
    const cache = createCache(model, 2, 160, { positionPerRow: true, longestCall: 30 });
    const starts = [96, 3];
    for (const [row, start] of starts.entries()) {
      const own = cache.row(row);
      for (let from = 0; from < start; from += 30) {
        const end = Math.min(start, from + 30);
        own.seek(from, end - from);
        expectRow(compute(own, [ids[row]!.slice(from, end)]), row, from);
      }
      own.dispose();
    }
    for (let step = 0; step < 64; step++) {
      const places = starts.map((start) => start + step);
      cache.seek(places, 1);
      const part = compute(
        cache,
        ids.map((text, row) => [text[places[row]!]!]),
      );
      for (const row of [0, 1])
        expectRow(part.subarray(row * VOCABULARY, (row + 1) * VOCABULARY), row, places[row]!);
    }
    cache.dispose();
  });
});

test('a place whose keys are gone, and more tokens than there is room for, are refused; the start is not', () => {
  const model: Decoder = tinyModel(nullDevice(), { slidingWindow: 5, contextLength: 200 });
  const cache = createCache(model, 1, 200, { longestCall: 64 });
  cache.seek(0, 64);
  cache.seek(64, 64);
  expect(() => cache.seek(20, 1)).toThrow('position 20 needs keys from 16 on, those before 60 are gone');
  expect([0, 20, 63, 64, 70].map((at) => cache.reaches(at))).toEqual([true, false, false, true, true]);
  expect(() => cache.seek(128, 65)).toThrow('a call has room for 64 tokens, got 65');
  cache.seek(70, 2);
  cache.seek(0, 1);
  cache.seek(1, 64);
  expect(() => cache.row(0).dispose()).not.toThrow();
  const shared = createCache(model, 2);
  expect(() => shared.row(1)).toThrow(ValueError);
  expect(shared.reaches(99)).toBe(true);
});
