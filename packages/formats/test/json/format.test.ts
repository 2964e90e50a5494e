import { formatJson, type JsonValue, MAX_JSON_DEPTH, parseJson } from '@qsparse/formats';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { failure } from '../helpers/outcome.ts';

test('the same text as JSON.stringify with two spaces, and a newline', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), (text) => {
      const value: unknown = JSON.parse(text);
      const expected = `${JSON.stringify(value, null, 2)}\n`;
      // JSON.stringify loses the sign of -0, which is kept here.
      if (!text.includes('-0')) expect(formatJson(value)).toBe(expected);
    }),
  );
});

test('what is written is read back', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      expect(parseJson(formatJson(value))).toEqual(value as JsonValue);
    }),
  );
});

test('a Map keeps its order where an object cannot', () => {
  const map = new Map<string, unknown>([
    ['b', 1],
    ['10', 2],
    ['2', new Map()],
    ['__proto__', []],
  ]);
  expect(formatJson(map)).toBe('{\n  "b": 1,\n  "10": 2,\n  "2": {},\n  "__proto__": []\n}\n');
});

test('undefined properties are left out', () => {
  expect(formatJson({ a: undefined, b: 1 })).toBe('{\n  "b": 1\n}\n');
});

test('values without a JSON form are refused, with their key', async () => {
  class Point {
    readonly x = 1;
  }
  const bad = [
    Number.NaN,
    Infinity,
    1n,
    () => 1,
    Symbol('s'),
    new Point(),
    new Date(0),
    new Float32Array(1),
    '\ud800',
  ];
  for (const value of bad) {
    const error = await failure(() => formatJson({ outer: [value] }), 'value');
    expect(error.key).toBe('outer.0');
  }
  await failure(() => formatJson([undefined]), 'value');
  await failure(() => formatJson(new Array(1)), 'value');
  await failure(() => formatJson({ '\udc00': 1 }), 'value');
  await failure(() => formatJson(new Map([[1, 2]])), 'value');
});

test('cycles end with an error; the depth that can be read can be written', async () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  await failure(() => formatJson(cycle), 'too-deep');
  const deepest = '['.repeat(MAX_JSON_DEPTH) + ']'.repeat(MAX_JSON_DEPTH);
  expect(formatJson(parseJson(deepest)).replace(/\s/g, '')).toBe(deepest);
});
