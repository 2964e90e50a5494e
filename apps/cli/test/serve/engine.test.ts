/** The server with the real engine: many at once, what evaluation harnesses ask, and clients that leave. */
import { noGrad, tensor } from '@qsparse/core';
import { logits } from '@qsparse/layers';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { within } from './fake-model.ts';
import { type RealServer, startReal } from './real-model.ts';

let server: RealServer;
let client: OpenAI;
beforeAll(async () => {
  server = await startReal({ slots: 8, queueLength: 24 });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });
});
afterAll(async () => {
  await server.end();
  expect(server.reports).toEqual([]);
});

/** What the engine holds between requests is there from its first step on. */
const settled = async (): Promise<{ live: number; programs: number; count: number }> => {
  await within(() => server.engine.stats().active === 0);
  const { live, programs, count } = server.device.memory();
  return { live, programs, count };
};
const text = async (prompt: string, seed: number, more: object = {}): Promise<string> => {
  const stream = await client.completions.create({
    ...{ model: 'tiny', prompt, seed, max_tokens: 64, stream: true, stream_options: { include_usage: true } },
    ...{ temperature: 1, ...({ ignore_eos: true } as object), ...more },
  });
  let all = '';
  let tokens = 0;
  for await (const chunk of stream) {
    all += chunk.choices[0]?.text ?? '';
    tokens = chunk.usage?.completion_tokens ?? tokens;
  }
  expect(tokens).toBe(64);
  return all;
};

test('32 streams of 64 tokens at once: none is lost, each is what it is alone, memory is back at its start', async () => {
  await text('warm up', 1);
  const before = await settled();
  const prompts = Array.from({ length: 32 }, (_, i) => 'The river sings. '.repeat(1 + (i % 4)) + i);
  const together = await Promise.all(prompts.map((prompt, i) => text(prompt, i)));
  expect(new Set(together).size).toBe(32);
  expect(await settled()).toEqual(before);
  for (const i of [0, 13, 31]) expect(await text(prompts[i]!, i)).toBe(together[i]);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toContain('qsparse_requests_total{route="/v1/completions",status="200"} 36');
  expect(metrics).toContain('qsparse_active_slots 0');
});

test('one more than slots and queue is refused, until there is room again', async () => {
  const all = await client.completions.create({
    ...{
      model: 'tiny',
      prompt: 'a',
      n: 32,
      // So many that none has ended when the next one asks, on a busy machine too.
      max_tokens: 4000,
      stream: true,
      ...({ ignore_eos: true } as object),
    },
  });
  const ask = () => client.completions.create({ model: 'tiny', prompt: 'a', max_tokens: 1 });
  const refused = (await ask().catch((error: unknown) => error)) as InstanceType<
    typeof OpenAI.RateLimitError
  >;
  expect(refused).toBeInstanceOf(OpenAI.RateLimitError);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  all.controller.abort();
  await within(() => server.engine.stats().active === 0);
  expect((await ask()).usage).toMatchObject({ completion_tokens: 1 });
});

test('clients that leave in the middle free their slots, and memory', async () => {
  await text('warm up', 1);
  const before = await settled();
  const leave = async (i: number) => {
    const prompt = 'x'.repeat(10 + 20 * i);
    const stream = await client.completions.create({
      model: 'tiny',
      prompt,
      max_tokens: 60,
      stream: true,
      seed: i,
    });
    let pieces = 0;
    for await (const _ of stream) if (++pieces > i) break;
  };
  await Promise.all(Array.from({ length: 6 }, (_, i) => leave(i)));
  expect(await settled()).toEqual(before);
});

/** Log probabilities of each token but the first, computed at once without a cache. */
async function direct(ids: readonly number[]): Promise<{ own: number[]; best: number[] }> {
  const scores = noGrad(() => logits(server.model, tensor(server.device, [...ids], [1, ids.length], 'i32')));
  const data = (await scores.data()) as Float32Array;
  const width = data.length / ids.length;
  const own: number[] = [];
  const best: number[] = [];
  for (let i = 0; i + 1 < ids.length; i++) {
    const row = Array.from(data.subarray(i * width, (i + 1) * width));
    const largest = Math.max(...row);
    const total = largest + Math.log(row.reduce((sum, value) => sum + Math.exp(value - largest), 0));
    own.push(row[ids[i + 1]!]! - total);
    best.push(largest - total);
  }
  return { own, best };
}

test.each([0, 1])(
  "lm-evaluation-harness's local-completions, max_tokens %i: the sums of a direct computation",
  async (maxTokens) => {
    // As it asks: token ids, several texts, echo, one log probability; the context of each is not counted.
    const texts = ['The river is wide. It sings', 'One, two', 'é and ü — 漢字, '.repeat(8)];
    const prompts = texts.map((one) => Array.from(new TextEncoder().encode(one)));
    const contexts = [10, 1, 40];
    const response = await fetch(`${server.url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        ...{
          model: 'tiny',
          prompt: prompts,
          temperature: 0,
          max_tokens: maxTokens,
          logprobs: 1,
          seed: 1234,
          echo: true,
        },
      }),
    });
    expect(response.status).toBe(200);
    const { choices } = (await response.json()) as OpenAI.Completion;
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    for (const [index, ids] of prompts.entries()) {
      const { logprobs, text: echoed } = choices[index]!;
      const { own, best } = await direct(ids);
      const { token_logprobs: scores, top_logprobs: top } = logprobs as unknown as {
        token_logprobs: (number | null)[];
        top_logprobs: (Record<string, number> | null)[];
      };
      expect(echoed.startsWith(texts[index]!)).toBe(true);
      expect(scores).toHaveLength(ids.length + maxTokens);
      expect([scores[0], top[0]]).toEqual([null, null]);
      // Its own arithmetic: from the end of the context to the end of the text.
      const from = contexts[index]!;
      const sum = scores.slice(from, ids.length).reduce((all: number, one) => all + one!, 0);
      const expected = own.slice(from - 1).reduce((all, one) => all + one, 0);
      expect(Math.abs(sum - expected)).toBeLessThan(1e-3);
      for (let i = 1; i < ids.length; i++) {
        expect(Math.abs(scores[i]! - own[i - 1]!)).toBeLessThan(1e-4);
        const largest = Math.max(...Object.values(top[i]!));
        expect(Math.abs(largest - best[i - 1]!)).toBeLessThan(1e-4);
        // What it takes for greedy must be exact.
        expect(scores[i] === largest).toBe(own[i - 1] === best[i - 1]);
      }
    }
  },
);

test('the same seed is the same answer; stop texts end it', async () => {
  const ask = (more: object) =>
    client.chat.completions.create({
      ...{ model: 'tiny', messages: [{ role: 'user', content: 'Hello' }], seed: 5, max_tokens: 40 },
      ...more,
    }) as Promise<OpenAI.ChatCompletion>;
  const [first, second] = [await ask({}), await ask({})];
  const { content, ...message } = first.choices[0]!.message;
  expect(message).toEqual({ role: 'assistant', refusal: null });
  expect(second.choices[0]!.message.content).toBe(content);
  const stop = content!.slice(4, 6);
  const stopped = await ask({ stop: [stop] });
  expect(stopped.choices[0]).toMatchObject({
    finish_reason: 'stop',
    message: { content: content!.slice(0, content!.indexOf(stop)) },
  });
});
