import { type ObjectReader, parseConfig, readObject } from '@qsparse/formats';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { failure } from '../helpers/outcome.ts';

const config = readObject(
  parseConfig(`{
    "hidden_size": 256, "bad_size": "x", "zero": 0, "half": 0.5, "tie": false, "act": "relu2", "nothing": null,
    "shape": [2, 3], "names": ["a", "b"], "mixed": ["a", 1],
    "rope_scaling": { "factor": 8, "type": "llama3" },
    "added": [{ "id": 1 }, { "id": "x" }]
  }`),
  'config',
);

test('values of the right type come through', () => {
  expect(config.positiveInteger('hidden_size')).toBe(256);
  expect(config.integer('zero', { min: 0, max: 0 })).toBe(0);
  expect(config.number('half', { min: 0, max: 1 })).toBe(0.5);
  expect(config.boolean('tie')).toBe(false);
  expect(config.string('act')).toBe('relu2');
  expect(config.oneOf('act', ['silu', 'relu2'])).toBe('relu2');
  expect(config.integers('shape', { min: 1 })).toEqual([2, 3]);
  expect(config.strings('names')).toEqual(['a', 'b']);
  expect(config.array('mixed')).toEqual(['a', 1]);
  expect(config.object('rope_scaling').number('factor')).toBe(8);
  expect(config.objects('added')[0]?.integer('id')).toBe(1);
  expect(config.has('nothing')).toBe(false);
  expect(config.has('tie')).toBe(true);
  expect(config.get('nothing')).toBeUndefined();
  expect(config.keys().length).toBe(12);
});

describe('messages name the key, the requirement and what came', () => {
  test.each<[string, (c: ObjectReader) => unknown, string]>([
    ['size', (c) => c.positiveInteger('bad_size'), '"bad_size" must be a positive integer, got "x"'],
    ['zero', (c) => c.positiveInteger('zero'), '"zero" must be a positive integer, got 0'],
    ['fraction', (c) => c.integer('half'), '"half" must be an integer, got 0.5'],
    [
      'range',
      (c) => c.integer('hidden_size', { max: 9 }),
      '"hidden_size" must be an integer of at most 9, got 256',
    ],
    [
      'both ends',
      (c) => c.number('half', { min: 1, max: 2 }),
      '"half" must be a number from 1 to 2, got 0.5',
    ],
    ['least', (c) => c.number('half', { min: 1 }), '"half" must be a number of at least 1, got 0.5'],
    ['boolean', (c) => c.boolean('zero'), '"zero" must be true or false, got 0'],
    ['string', (c) => c.string('tie'), '"tie" must be a string, got false'],
    ['choice', (c) => c.oneOf('act', ['silu', 'gelu']), '"act" must be one of "silu", "gelu", got "relu2"'],
    ['object', (c) => c.object('shape'), '"shape" must be an object, got [2, 3]'],
    ['array', (c) => c.array('rope_scaling'), '"rope_scaling" must be an array, got an object'],
    ['strings', (c) => c.strings('mixed'), '"mixed" must be an array of strings, got ["a", 1]'],
    ['integers', (c) => c.integers('mixed'), '"mixed" must be an array of integers, got ["a", 1]'],
    [
      'nested',
      (c) => c.object('rope_scaling').integer('type'),
      '"rope_scaling.type" must be an integer, got "llama3"',
    ],
    ['item', (c) => c.objects('added')[1]?.integer('id'), '"added.1.id" must be an integer, got "x"'],
    ['items', (c) => c.objects('shape'), '"shape.0" must be a JSON object, got 2'],
  ])('%s', async (_, read, expected) => {
    const error = await failure(() => read(config), 'value');
    expect(error.message).toBe(`[config] ${expected}; correct it`);
  });

  test('a missing key, with what is required and the nearest key that is there', async () => {
    const error = await failure(() => config.positiveInteger('hiden_size'), 'missing-key');
    expect(error.message).toBe(
      '[config] "hiden_size" is required (a positive integer), but it is missing; did you mean "hidden_size"?',
    );
    expect(error.key).toBe('hiden_size');
    await failure(() => config.string('nothing'), 'missing-key');
    await failure(() => config.string('toString'), 'missing-key');
  });

  test('unknown keys, with the path in front', async () => {
    const error = await failure(() => config.object('rope_scaling').rejectUnknown(['factor']), 'unknown-key');
    expect(error.message).toContain('"rope_scaling.type"');
  });

  test("a rule of the caller's own", () => {
    const error = config.invalid('hidden_size', 'a multiple of 3');
    expect(error.message).toBe('[config] "hidden_size" must be a multiple of 3, got 256; correct it');
  });
});

test('absent and null take the fallback, wrong values do not', async () => {
  expect(config.positiveInteger('sliding_window', { fallback: null })).toBeNull();
  expect(config.integer('nothing', { fallback: 7 })).toBe(7);
  expect(config.object('nothing', { fallback: null })).toBeNull();
  expect(config.objects('absent', { fallback: [] })).toEqual([]);
  await failure(() => config.positiveInteger('bad_size', { fallback: 1 }), 'value');
  expectTypeOf(config.integer('zero')).toEqualTypeOf<number>();
  expectTypeOf(config.integer('zero', { fallback: null })).toEqualTypeOf<number | null>();
  expectTypeOf(config.oneOf('act', ['silu', 'relu2'])).toEqualTypeOf<'silu' | 'relu2'>();
});

test('only objects can be read', async () => {
  for (const source of [null, 1, 'x', [], undefined])
    await failure(() => readObject(source, 'config'), 'value');
});
