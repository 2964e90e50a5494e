import { ValueError } from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { createCache } from '@qsparse/layers';
import { expect, test } from 'vitest';
import { tinyModel } from './tiny-model.ts';

test('one room for keys and one for values a layer, one position for all; all of it is given back', () => {
  const device = nullDevice();
  const model = tinyModel(device);
  const before = device.memory().count;
  const cache = createCache(model, 3);
  expect(cache.layers).toHaveLength(2);
  for (const { keys, values, position } of cache.layers) {
    expect(keys.shape).toEqual([3, 10, 2, 4]);
    expect(values.shape).toEqual([3, 10, 2, 4]);
    expect(position).toBe(cache.position);
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
