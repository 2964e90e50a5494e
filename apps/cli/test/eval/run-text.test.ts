import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { localScorer } from '../../src/eval/local-scorer.ts';
import { runText, windowsOf } from '../../src/eval/run-text.ts';
import { temporaryFolder } from '../run-cli.ts';
import { plainScore, TINY, tinyModel } from './tiny-model.ts';

const folder = temporaryFolder();
const { model, tokenizer } = tinyModel();
afterAll(() => {
  folder.remove();
  model.dispose();
});
const context = (limit?: number) => ({
  scorer: localScorer(model),
  tokenizer,
  data: folder.path,
  limit,
  fewShot: 0,
  seed: 0,
  addBeginOfText: false,
  signal: new AbortController().signal,
  note() {},
});

describe('windows', () => {
  test('follow one another; the last is filled up with what it does not count', () => {
    const ids = Array.from({ length: 10 }, (_, i) => i);
    expect(windowsOf(ids, tokenizer, 4)).toEqual([
      { context: [256], continuation: [0, 1, 2, 3] },
      { context: [3], continuation: [4, 5, 6, 7] },
      { context: [5, 6, 7], continuation: [8, 9] },
    ]);
    expect(windowsOf(ids.slice(0, 3), tokenizer, 4)).toEqual([{ context: [256], continuation: [0, 1, 2] }]);
    expect(windowsOf([], tokenizer, 4)).toEqual([]);
  });
});

describe('runText', () => {
  const text = 'The river runs. ¡Añil!';
  const path = join(folder.path, 'text.txt');
  writeFileSync(path, text);

  test('gives bits per byte and perplexities of the one loss', async () => {
    const { logprob } = await plainScore(model, { context: '', continuation: text });
    const { metrics, items } = await runText('text', [path], context());
    expect(items).toBe(1);
    const bytes = Buffer.byteLength(text);
    expect(metrics.bits_per_byte!.value).toBeCloseTo(-logprob / Math.LN2 / bytes, 5);
    expect(metrics.byte_perplexity!.value / Math.exp(-logprob / bytes)).toBeCloseTo(1, 5);
    expect(metrics.perplexity!.value).toBeCloseTo(metrics.byte_perplexity!.value, 6); // a byte is a token here
    expect(metrics.word_perplexity!.value / Math.exp(-logprob / 4)).toBeCloseTo(1, 4);
  });

  test('every token counts once, over documents and windows; a limit counts windows', async () => {
    const long = join(folder.path, 'long.txt');
    const document = 'abcdefghij'.repeat(25);
    writeFileSync(long, `${document}\n<|endoftext|>\nsecond\n<|endoftext|>\n`);
    const whole = await runText('text', [long], context());
    expect(whole.items).toBe(Math.ceil(250 / TINY.contextLength) + 1);
    expect(whole.metrics.bits_per_byte!.standardError).toBeGreaterThan(0);
    const one = await runText('text', [long], context(1));
    expect(one.items).toBe(1);
    expect(one.metrics.bits_per_byte!.standardError).toBeUndefined();
  });

  test('needs a text', async () => {
    await expect(runText('text', [], context())).rejects.toThrow('[eval] text needs --text FILE');
    await expect(runText('wikitext2', [], context())).rejects.toThrow(
      /wikitext2 needs .*wikitext2\/test\.txt/,
    );
    await expect(runText('text', [join(folder.path, 'none.txt')], context())).rejects.toThrow('no such file');
  });
});
