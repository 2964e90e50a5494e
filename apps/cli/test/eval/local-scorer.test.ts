import { tensor } from '@qsparse/core';
import { measureSparsity } from '@qsparse/layers';
import { afterAll, describe, expect, test } from 'vitest';
import { localScorer } from '../../src/eval/local-scorer.ts';
import { encodePair, fitToContext } from '../../src/eval/scorer.ts';
import { plainScore, TINY, tinyModel } from './tiny-model.ts';

const { model, tokenizer } = tinyModel();
afterAll(() => model.dispose());
const encode = (context: string, continuation: string) =>
  encodePair(tokenizer, { context, continuation }, { addBeginOfText: false });

const PAIRS = [
  ['The cat', ' sat.'],
  ['The cat', ' ran away'],
  ['A', ' b'],
  ['', 'No context here'],
  ['Question: one?\nAnswer:', ' A'],
  ['Question: one?\nAnswer:', ' B'],
] as const;

describe('localScorer', () => {
  test('equals scores made one token at a time', async () => {
    const scores = await localScorer(model).score(PAIRS.map(([context, rest]) => encode(context, rest)));
    for (const [i, [context, continuation]] of PAIRS.entries()) {
      const expected = await plainScore(model, { context, continuation });
      expect(scores[i]!.logprob).toBeCloseTo(expected.logprob, 5);
      expect(scores[i]!.isGreedy).toBe(expected.isGreedy);
    }
  });

  test('leaves no memory behind', async () => {
    const requests = PAIRS.map(([context, rest]) => encode(context, rest));
    const { live } = model.device.memory();
    await localScorer(model).score(requests);
    expect(model.device.memory().live).toBe(live);
  });

  test('says of the likeliest token that it is, and of no other', async () => {
    const [unlikely] = await localScorer(model).score([encode('Once', ' x')]);
    expect(unlikely!.isGreedy).toBe(false);
    const context = [...tokenizer.encode('Once')];
    const all = await localScorer(model).score(
      Array.from({ length: 257 }, (_, token) => ({ context, continuation: [token] })),
    );
    const best = all.reduce((most, { logprob }) => Math.max(most, logprob), Number.NEGATIVE_INFINITY);
    for (const { logprob, isGreedy } of all) expect(isGreedy).toBe(logprob === best);
    expect(all.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0)).toBeCloseTo(1, 6);
  });

  test('the size of a batch changes nothing, the longest text that fits is scored', async () => {
    const long = fitToContext(encode('x'.repeat(200), ' end'), TINY.contextLength, 'row');
    const requests = [...PAIRS.map(([context, rest]) => encode(context, rest)), long.request];
    const [alone, together] = await Promise.all([
      localScorer(model, { batchTokens: 1 }).score(requests),
      localScorer(model, { batchTokens: 4096 }).score(requests),
    ]);
    for (const [i, { logprob }] of alone.entries()) expect(together[i]!.logprob).toBeCloseTo(logprob, 6);
    expect(alone.at(-1)!.logprob).toBeCloseTo(
      (await plainScore(model, { context: 'x'.repeat(200), continuation: ' end' })).logprob,
      // The plain one keeps a context of full length for every token, this one reads all at once.
      1,
    );
  });

  test('a context that is read once gives the same scores, and leaves no memory behind', async () => {
    const context = 'Question: what is it? '.repeat(3).trim();
    const all = [' a', ' bc', ' that', ' a very long answer'].map((rest) => encode(context, rest));
    const apart = await localScorer(model, { sharedTokens: Number.POSITIVE_INFINITY }).score(all);
    const { live } = model.device.memory();
    const together = await localScorer(model, { sharedTokens: 1 }).score(all);
    expect(model.device.memory().live).toBe(live);
    for (const [i, { logprob, isGreedy }] of apart.entries()) {
      expect(together[i]!.logprob).toBeCloseTo(logprob, 6);
      expect(together[i]!.isGreedy).toBe(isGreedy);
    }
  });

  test('tells how far it is, and hears an abort', async () => {
    const requests = PAIRS.map(([context, rest]) => encode(context, rest));
    const seen: number[] = [];
    const controller = new AbortController();
    const scoring = localScorer(model, { batchTokens: 1 }).score(requests, {
      signal: controller.signal,
      onProgress(done) {
        seen.push(done);
        if (done >= 3) controller.abort(new Error('enough'));
      },
    });
    await expect(scoring).rejects.toThrow('enough');
    expect(seen[0]).toBeGreaterThanOrEqual(1);
    expect(seen.at(-1)).toBeLessThan(requests.length);
  });

  test('measures sparsity as measureSparsity does, without the padding', async () => {
    const text = [...tokenizer.encode('sixteen letters!')];
    const scorer = localScorer(model);
    await scorer.score([
      { context: text.slice(0, 12), continuation: text.slice(12) },
      { context: text.slice(0, 2), continuation: text.slice(2, 5) },
    ]);
    const measured = scorer.takeSparsity()!;
    const of = async (ids: number[]) => {
      const tokens = tensor(model.device, ids, [1, ids.length], 'i32');
      return { count: ids.length, ...(await measureSparsity(model, tokens)) };
    };
    const parts = [await of(text.slice(0, 15)), await of(text.slice(0, 4))];
    const expected = parts.reduce((sum, { overall, count }) => sum + overall * count, 0) / 19;
    expect(measured.tokens).toBe(19);
    expect(measured.overall).toBeCloseTo(expected, 10);
    expect(Object.keys(measured.sites)).toEqual([...parts[0]!.sites.keys()]);
    expect(scorer.takeSparsity()).toBeUndefined();
  });

  test('counts no more tokens than it was told', async () => {
    const requests = PAIRS.map(([context, rest]) => encode(context, rest));
    const off = localScorer(model, { sparsityTokens: 0 });
    await off.score(requests);
    expect(off.takeSparsity()).toBeUndefined();
    const few = localScorer(model, { sparsityTokens: 1, batchTokens: 1 });
    await few.score(requests);
    expect(few.takeSparsity()!.tokens).toBeLessThan(40);
  });
});
