import { expect, test } from 'vitest';
import { measureSensitivity } from '../../src/convert/sensitivity.ts';

test('one pass a site, a layer, and for all, in the order of the model', async () => {
  const names = ['layers.0.qkv', 'layers.0.o', 'layers.1.qkv', 'layers.1.o'];
  const asked: string[] = [];
  const { sites, layers, all } = await measureSensitivity(names, 2, async (sites) => {
    asked.push(sites.join(' '));
    return asked.length;
  });
  expect(asked).toEqual([
    ...names,
    'layers.0.qkv layers.0.o',
    'layers.1.qkv layers.1.o',
    'layers.0.qkv layers.0.o layers.1.qkv layers.1.o',
  ]);
  expect([...sites]).toEqual(names.map((name, i) => [name, i + 1]));
  expect(layers).toEqual([5, 6]);
  expect(all).toBe(7);
});
