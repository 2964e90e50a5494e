import { expect, test } from 'vitest';
import { show, showName } from '../src/display.ts';

test('values are shown as JSON, on one line', () => {
  expect(show('a"b\n')).toBe('"a\\"b\\n"');
  expect(show([1, 'x', null, [2]])).toBe('[1, "x", null, an array]');
  expect(show({ a: 1 })).toBe('an object');
  expect(show(-0)).toBe('-0');
  expect(show(Number.NaN)).toBe('NaN');
  expect(show(undefined)).toBe('undefined');
  expect(show(1n)).toBe('a bigint');
});

test('what could steer a terminal or turn the text around is escaped', () => {
  expect(show('\u009b31m\u202e\u2028\u001b')).toBe('"\\u009b31m\\u202e\\u2028\\u001b"');
});

test('huge values stay short and are not walked whole', () => {
  expect(show('x'.repeat(1e7)).length).toBeLessThan(70);
  expect(show(new Array(1e7).fill(1)).length).toBeLessThan(120);
  const nested = new Array(1000).fill(new Array(1e6).fill('y'));
  expect(show(nested).length).toBeLessThan(150);
});

test('plain names stay unquoted, others are shown', () => {
  expect(showName('out/model-00001-of-00002.safetensors')).toBe('out/model-00001-of-00002.safetensors');
  expect(showName('a\nb')).toBe('"a\\nb"');
  expect(showName('')).toBe('""');
});
