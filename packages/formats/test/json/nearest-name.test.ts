import { nearestName, rejectUnknown } from '@qsparse/formats';
import { expect, test } from 'vitest';
import { didYouMean } from '../../src/json/nearest-name.ts';
import { failure } from '../helpers/outcome.ts';

const KEYS = ['hidden_size', 'hidden_act', 'num_hidden_layers', 'vocab_size'];

test.each([
  ['hiden_size', 'hidden_size'],
  ['hidden_sized', 'hidden_size'],
  ['hdiden_size', 'hidden_size'],
  ['Hidden_Size', 'hidden_size'],
  ['vocabsize', 'vocab_size'],
  ['num_layers', undefined],
  ['x', undefined],
  ['', undefined],
])('%j is nearest to %j', (name, nearest) => {
  expect(nearestName(name, KEYS)).toBe(nearest);
});

test('a swap of neighbours is one edit', () => {
  expect(nearestName('ab', ['ba'])).toBe('ba');
  expect(nearestName('abc', ['cba'])).toBeUndefined();
});

test('names of absurd length are not compared', () => {
  const long = 'a'.repeat(1e6);
  expect(nearestName(long, [`${long}b`])).toBeUndefined();
  expect(nearestName('abc', [long])).toBeUndefined();
});

test('the suggestion is ready for a message', () => {
  expect(didYouMean('vocab_sise', KEYS)).toBe('; did you mean "vocab_size"?');
  expect(didYouMean('sparsity', KEYS)).toBe('');
});

test('unknown keys are refused, with the nearest known one', async () => {
  rejectUnknown(['vocab_size'], KEYS, 'config');
  const near = await failure(() => rejectUnknown(['vocab_size', 'hiden_act'], KEYS, 'config'), 'unknown-key');
  expect(near.message).toBe('[config] unknown key "hiden_act"; did you mean "hidden_act"?');
  const far = await failure(() => rejectUnknown(['zzz'], KEYS, 'config', 'outer.'), 'unknown-key');
  expect(far.key).toBe('outer.zzz');
  expect(far.message).toContain('remove it, known are: hidden_size, hidden_act');
});
