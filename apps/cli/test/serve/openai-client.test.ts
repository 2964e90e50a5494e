/** The `openai` npm client against a running server. */
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Started, startFake, within } from './fake-model.ts';

let server: Started;
let slow: Started;
const clientOf = ({ url }: Started): OpenAI =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: 'sesame', maxRetries: 0 });
beforeAll(async () => {
  server = await startFake({ text: 'Grüße ' }, { apiKey: 'sesame' });
  slow = await startFake({ delay: 5, most: 2 });
});
afterAll(() => Promise.all([server.close(), slow.close()]));
const messages = [
  { role: 'developer' as const, content: 'Be kind.' },
  { role: 'user' as const, content: [{ type: 'text' as const, text: 'Hello' }] },
];

test('models', async () => {
  const client = clientOf(server);
  const ids: string[] = [];
  for await (const { id } of client.models.list()) ids.push(id);
  expect(ids).toEqual(['fake']);
  expect(await client.models.retrieve('fake')).toMatchObject({ id: 'fake', owned_by: 'qsparse' });
  await expect(client.models.retrieve('gpt-5')).rejects.toThrow(OpenAI.NotFoundError);
});

describe('completions', () => {
  test('a text', async () => {
    const made = await clientOf(server).completions.create({
      model: 'fake',
      prompt: 'He',
      max_tokens: 8,
      seed: 3,
    });
    expect(made).toMatchObject({
      id: expect.stringMatching(/^cmpl-/),
      object: 'text_completion',
      model: 'fake',
      choices: [{ index: 0, text: 'Grüße ', logprobs: null, finish_reason: 'length' }],
      usage: { prompt_tokens: 2, completion_tokens: 8, total_tokens: 10 },
    });
    const { options } = server.model.requests.at(-1)!;
    expect(options).toMatchObject({ temperature: 1, topP: 1, maxTokens: 8, seed: 3 });
  });
  test('several prompts, several texts each, as a stream', async () => {
    const stream = await clientOf(server).completions.create({
      model: 'fake',
      prompt: ['a', 'bc'],
      n: 2,
      max_tokens: 4,
      echo: true,
      stream: true,
      stream_options: { include_usage: true },
      seed: -1,
    });
    const texts = ['', '', '', ''];
    const ends: unknown[] = [];
    let usage: unknown;
    for await (const chunk of stream) {
      for (const { index, text, finish_reason } of chunk.choices) {
        texts[index] += text;
        if (finish_reason) ends[index] = finish_reason;
      }
      usage = chunk.usage ?? usage;
    }
    expect(texts).toEqual(['aGrü', 'aGrü', 'bcGrü', 'bcGrü']);
    expect(ends).toEqual(['length', 'length', 'length', 'length']);
    expect(usage).toEqual({ prompt_tokens: 3, completion_tokens: 16, total_tokens: 19 });
    const seeds = server.model.requests.slice(-4).map(({ options }) => options.seed);
    expect(new Set(seeds).size).toBe(4);
    for (const seed of seeds) expect(Number.isSafeInteger(seed) && seed! >= 0).toBe(true);
  });
  test('log probabilities, of the prompt too', async () => {
    const asked = { model: 'fake', prompt: [104, 195, 188], max_tokens: 1, echo: true, logprobs: 1 };
    const { choices } = await clientOf(server).completions.create(asked);
    expect(choices[0]).toEqual({
      index: 0,
      text: 'hüG',
      finish_reason: 'length',
      logprobs: {
        tokens: ['h', '\uFFFD', '\uFFFD', 'G'],
        token_logprobs: [null, -1, -1, -0.5],
        top_logprobs: [null, { y: -0.25, '\uFFFD': -1 }, { y: -0.25, '\uFFFD': -1 }, { x: -2, G: -0.5 }],
        text_offset: [0, 1, 1, 2],
      },
    });
    const stream = await clientOf(server).completions.create({ ...asked, stream: true });
    const tokens: string[] = [];
    for await (const { choices } of stream) tokens.push(...(choices[0]?.logprobs?.tokens ?? []));
    expect(tokens).toEqual(['h', '\uFFFD', '\uFFFD', 'G']);
  });
});

describe('chats', () => {
  test('an answer', async () => {
    const answer = await clientOf(server).chat.completions.create({
      model: 'fake',
      messages,
      max_completion_tokens: 8,
      stop: ['never'],
      logprobs: true,
      top_logprobs: 1,
      user: 'somebody',
      tools: [],
      tool_choice: 'none',
    });
    expect(answer).toMatchObject({
      object: 'chat.completion',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Grüße ' }, finish_reason: 'length' }],
      usage: { prompt_tokens: 18, completion_tokens: 8, total_tokens: 26 },
    });
    const [first, , third] = answer.choices[0]!.logprobs!.content!;
    expect(first).toEqual({
      token: 'G',
      logprob: -0.5,
      bytes: [71],
      top_logprobs: [{ token: 'x', logprob: -2, bytes: [120] }],
    });
    expect(third).toMatchObject({ token: '\uFFFD', bytes: null });
    const { ids, options } = server.model.requests.at(-1)!;
    expect(server.model.tokenizer.decode(ids)).toBe(
      '<|system|>Be kind.<|end|><|user|>Hello<|end|><|assistant|>',
    );
    expect(options).toMatchObject({ stopText: ['never'], stopTokens: server.model.template!.stopTokens });
  });
  test('a stream', async () => {
    const stream = await clientOf(server).chat.completions.create({
      model: 'fake',
      messages,
      max_tokens: 8,
      n: 2,
      stream: true,
      stream_options: { include_usage: true },
    });
    const contents = ['', ''];
    const roles: unknown[] = [];
    const ends: unknown[] = [];
    let usage: unknown;
    for await (const chunk of stream) {
      for (const { index, delta, finish_reason } of chunk.choices) {
        contents[index] += delta.content ?? '';
        if (delta.role) roles.push(delta.role);
        if (finish_reason) ends.push(finish_reason);
      }
      usage = chunk.usage ?? usage;
    }
    expect({ contents, roles, ends }).toEqual({
      contents: ['Grüße ', 'Grüße '],
      roles: ['assistant', 'assistant'],
      ends: ['length', 'length'],
    });
    expect(usage).toMatchObject({ prompt_tokens: 18, completion_tokens: 16 });
  });
  test("the client's own helper reads the stream", async () => {
    const runner = clientOf(server).chat.completions.stream({ model: 'fake', messages, max_tokens: 8 });
    expect(await runner.finalContent()).toBe('Grüße ');
  });
  test('without max_tokens the context is the end', async () => {
    const { usage } = await clientOf(server).chat.completions.create({ model: 'fake', messages });
    expect(usage!.total_tokens).toBe(server.model.contextLength);
  });
});

describe('abort', () => {
  test('of a stream', async () => {
    const stream = await clientOf(slow).chat.completions.create({ model: 'fake', messages, stream: true });
    let pieces = 0;
    for await (const _ of stream) if (++pieces === 5) break;
    await within(() => slow.model.active() === 0, 2000);
  });
  test('of an answer', async () => {
    const leaving = new AbortController();
    const asked = clientOf(slow).chat.completions.create(
      { model: 'fake', messages },
      { signal: leaving.signal },
    );
    await within(() => slow.model.active() === 1);
    leaving.abort();
    await expect(asked).rejects.toThrow(OpenAI.APIUserAbortError);
    await within(() => slow.model.active() === 0, 2000);
  });
});

test('errors are the classes that the client has for them', async () => {
  const wrong = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'wrong', maxRetries: 0 });
  await expect(wrong.models.list()).rejects.toThrow(OpenAI.AuthenticationError);
  const asked = clientOf(server).completions.create({ model: 'fake', prompt: 'a', suffix: 'b' });
  await expect(asked).rejects.toMatchObject({
    constructor: OpenAI.BadRequestError,
    param: 'suffix',
    code: 'unsupported_parameter',
    type: 'invalid_request_error',
  });
  const client = clientOf(slow);
  const first = await client.completions.create({
    model: 'fake',
    prompt: 'a',
    n: 2,
    max_tokens: 100,
    stream: true,
  });
  const refused = client.completions.create({ model: 'fake', prompt: 'a' });
  await expect(refused).rejects.toThrow(OpenAI.RateLimitError);
  first.controller.abort();
});
