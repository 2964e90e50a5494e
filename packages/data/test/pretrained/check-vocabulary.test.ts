import { expect, it } from 'vitest';
import { checkVocabulary } from '../../src/pretrained/check-vocabulary.ts';

it.each([
  // Llama 3, Qwen 2.5 0.5B, Qwen 2 72B, DeepSeek LLM, a tiny model.
  [128_256, 128_256, 0],
  [151_665, 151_936, 271],
  [151_646, 152_064, 418],
  [100_015, 102_400, 2385],
  [257, 512, 255],
])('%i ids fit %i rows', (vocabularySize, rows, unused) => {
  expect(checkVocabulary({ vocabularySize }, rows)).toBe(unused);
});

it.each([
  [
    32_001,
    32_000,
    /models\/a has 32000 rows, tokenizer\.json 32001 ids; some ids have no row; use the tokenizer/,
  ],
  [32_000, 128_256, /has 128256 rows, tokenizer\.json 32000 ids; too many rows stand for nothing/],
])('%i ids and %i rows do not belong together', (vocabularySize, rows, message) => {
  expect(() => checkVocabulary({ vocabularySize }, rows, 'models/a')).toThrow(
    expect.objectContaining({ code: 'vocabulary', message: expect.stringMatching(message) }),
  );
});

it('wants a number of rows', () => {
  for (const rows of [0, -1, 1.5, Number.NaN]) {
    expect(() => checkVocabulary({ vocabularySize: 5 }, rows)).toThrow(/rows must be an integer from 1/);
  }
});
