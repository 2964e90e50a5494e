import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { saveModel } from 'qsparse/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli.ts';
import { openHttpScorer } from '../../src/eval/http-scorer.ts';
import { localScorer } from '../../src/eval/local-scorer.ts';
import { encodePair } from '../../src/eval/scorer.ts';
import { capturedOutput, cli, temporaryFolder } from '../run-cli.ts';
import { tinyModel } from './tiny-model.ts';

const folder = temporaryFolder();
const { model, tokenizer } = tinyModel();
const path = join(folder.path, 'tiny');
const output = capturedOutput();
let served: Promise<number>;
let url = '';

beforeAll(async () => {
  await saveModel(path, model, tokenizer);
  served = runCli(['serve', path, '--port', '0', '--device', 'reference', '--json'], output);
  for (let i = 0; url === '' && i < 500; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    url = /http:\/\/[\d.:]+/.exec(output.out)?.[0] ?? '';
  }
});
afterAll(async () => {
  process.emit('SIGTERM', 'SIGTERM');
  await served;
  folder.remove();
  model.dispose();
});

const PAIRS = [
  ['The cat', ' sat.'],
  ['A', ' b'],
  ['', ' No context here'],
  ['Question: one?\nAnswer:', ' A'],
] as const;
const requests = PAIRS.map(([context, continuation]) =>
  encodePair(tokenizer, { context, continuation }, { addBeginOfText: false }),
);

describe('through a real server', () => {
  test('scores are those of the model in this process', async () => {
    const scorer = await openHttpScorer({ url, contextLength: 96, prompts: 3 });
    const seen: number[] = [];
    const there = await scorer.score(requests, { onProgress: (done) => void seen.push(done) });
    const here = await localScorer(model).score(requests);
    for (const [i, { logprob, isGreedy }] of here.entries()) {
      expect(there[i]!.logprob).toBeCloseTo(logprob, 4);
      expect(there[i]!.isGreedy).toBe(isGreedy);
    }
    expect(seen).toEqual([3, 4]);
    expect(scorer.takeSparsity()).toBeUndefined();
  });

  test('the likeliest token is greedy there too', async () => {
    const context = [...tokenizer.encode('Once')];
    const all = Array.from({ length: 257 }, (_, token) => ({ context, continuation: [token] }));
    const best = (await localScorer(model).score(all)).findIndex(({ isGreedy }) => isGreedy);
    const scorer = await openHttpScorer({ url: `${url}/v1/`, contextLength: 96 });
    const scores = await scorer.score([all[best]!, all[(best + 1) % 256]!]);
    expect(scores.map(({ isGreedy }) => isGreedy)).toEqual([true, false]);
  });

  test('the command gives the same table either way', async () => {
    const text = join(folder.path, 'text.txt');
    writeFileSync(text, 'A short text about nothing much. '.repeat(12));
    const of = async (...argv: string[]) => {
      const { code, out, err } = await cli(
        'eval',
        path,
        '--tasks',
        'text',
        '--text',
        text,
        '--json',
        ...argv,
      );
      expect({ code, err }).toEqual({ code: 0, err: '' });
      return JSON.parse(out) as { metrics: { bits_per_byte: { value: number } }; sparsity?: object };
    };
    const here = await of('--device', 'reference', '--context-length', '95');
    const there = await of('--url', url);
    expect(there.metrics.bits_per_byte.value).toBeCloseTo(here.metrics.bits_per_byte.value, 5);
    expect(here.sparsity).toBeDefined();
    expect(there.sparsity).toBeUndefined();
  });
});

describe('a server that does not do it', () => {
  const open = (fetch: typeof globalThis.fetch) =>
    openHttpScorer({ url: 'http://localhost:9', contextLength: 96, fetch });
  const models = () => Response.json({ data: [{ id: 'm' }] });
  /** Answers the list of models, then what comes next. */
  const answering =
    (...answers: (() => Response)[]): typeof globalThis.fetch =>
    async (input) =>
      String(input).endsWith('/models') ? models() : (answers.length > 1 ? answers.shift()! : answers[0]!)();

  test.each([
    ['ftp://x', '--url must be an http address'],
    ['nonsense', '--url must be an http address, got "nonsense"'],
  ])('the address %s', async (address, message) => {
    await expect(openHttpScorer({ url: address, contextLength: 8 })).rejects.toThrow(message);
  });

  test('nobody answers', async () => {
    const gone: typeof globalThis.fetch = () =>
      Promise.reject(new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') }));
    await expect(open(gone)).rejects.toThrow(
      '[eval] http://localhost:9/v1/models: no answer (connect ECONNREFUSED); is the server running?',
    );
  });

  test('no log probabilities of the prompt, or too few', async () => {
    const bare = await open(answering(() => Response.json({ choices: [{ index: 0, logprobs: null }] })));
    await expect(bare.score([requests[1]!])).rejects.toThrow(
      'log probabilities of 3 prompt tokens are required, got {"index":0,"logprobs":null}; the server must support echo',
    );
    const few = {
      choices: [{ index: 0, logprobs: { token_logprobs: [null, -1], top_logprobs: [null, {}] } }],
    };
    await expect((await open(answering(() => Response.json(few)))).score([requests[1]!])).rejects.toThrow(
      'are required',
    );
  });

  test('an error is told in its own words, a page is not JSON', async () => {
    const refusal = () => Response.json({ error: { message: 'prompt is too long' } }, { status: 400 });
    await expect((await open(answering(refusal))).score(requests)).rejects.toThrow('400 prompt is too long');
    await expect((await open(answering(() => new Response('<html>')))).score(requests)).rejects.toThrow(
      'JSON is required, got <html>',
    );
  });

  test('a busy one is asked again', async () => {
    const busy = () => new Response('', { status: 429, headers: { 'retry-after': '0' } });
    const token_logprobs = [null, -1, -2];
    const top_logprobs = [null, { ' ': -1 }, { b: -1, c: -2 }];
    const answer = () =>
      Response.json({ choices: [{ index: 0, logprobs: { token_logprobs, top_logprobs } }] });
    const scorer = await open(answering(busy, busy, answer));
    expect(await scorer.score([{ context: [1], continuation: [2, 3] }])).toEqual([
      { logprob: -3, isGreedy: false },
    ]);
  });
});
