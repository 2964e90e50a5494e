/** What bodies may hold: every field that is wrong is named, none of them reaches the engine. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONTEXT, errorOf, type Started, startFake } from './fake-model.ts';

let server: Started;
beforeAll(async () => {
  server = await startFake({}, { limits: { body: 64 * 1024, texts: 8, maxTokens: 100 } });
});
afterAll(() => server.close());

const message = { role: 'user', content: 'a' };
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe.each(['/v1/completions', '/v1/chat/completions'])('%s', (path) => {
  const good = path.includes('chat') ? { messages: [message] } : { prompt: 'a' };
  const ask = (fields: object) => server.post(path, { ...good, max_tokens: 2, ...fields });

  const wrong: readonly [object, unknown, string][] = [
    [{ model: 7 }, 'model', 'must be a string, got 7'],
    [{ temperature: 'hot' }, 'temperature', 'must be a number from 0 to 2, got "hot"'],
    [{ temperature: 3 }, 'temperature', 'got 3'],
    [{ temperature: -0.1 }, 'temperature', 'got -0.1'],
    [{ top_p: 1.01 }, 'top_p', 'from 0 to 1'],
    [{ top_k: 1.5 }, 'top_k', 'whole number'],
    [{ min_p: -1 }, 'min_p', 'from 0 to 1'],
    [{ repetition_penalty: 0 }, 'repetition_penalty', 'must be a number'],
    [{ max_tokens: -1 }, 'max_tokens', 'must be a whole number'],
    [{ max_tokens: 1e300 }, 'max_tokens', 'must be a whole number'],
    [{ max_tokens: 101 }, 'max_tokens', 'may be 100 at most on this server, got 101'],
    [{ max_tokens: true }, 'max_tokens', 'got true'],
    [{ n: 0 }, 'n', 'from 1 to 8'],
    [{ n: 9 }, 'n', 'from 1 to 8'],
    [{ n: 1e10 }, 'n', 'from 1 to 8'],
    [{ best_of: 2 }, 'best_of', 'is not supported'],
    [{ seed: 0.5 }, 'seed', 'must be a whole number'],
    [{ seed: 2 ** 60 }, 'seed', 'must be a whole number'],
    [{ stop: '' }, 'stop', 'must be a string or up to 16 of them'],
    [{ stop: ['a', 3] }, 'stop', 'must be a string'],
    [{ stop: { a: 1 } }, 'stop', 'must be a string'],
    [{ stop: Array(17).fill('x') }, 'stop', 'up to 16'],
    [{ stop: 'x'.repeat(1001) }, 'stop', 'characters'],
    [{ stream: 'yes' }, 'stream', 'must be true or false, got "yes"'],
    [{ stream_options: { include_usage: true } }, 'stream_options', 'is for streams'],
    [{ stream: true, stream_options: 1 }, 'stream_options', 'must be an object'],
    [{ stream: true, stream_options: { usage: true } }, 'stream_options.usage', 'is not a known field'],
    [{ presence_penalty: 0.5 }, 'presence_penalty', 'is not supported'],
    [{ frequency_penalty: -1 }, 'frequency_penalty', 'is not supported'],
    [{ logit_bias: { 5: 100 } }, 'logit_bias', 'is not supported'],
    [{ temprature: 1 }, 'temprature', 'is not a known field; did you mean temperature?'],
    [{ ['x'.repeat(3000)]: 1 }, expect.stringMatching(/^x{10,60}…$/), 'is not a known field'],
    [{ guided_json: {} }, 'guided_json', 'is not a known field'],
  ];
  const named = wrong.map(
    ([fields, ...rest]) => [JSON.stringify(fields).slice(0, 60), fields, ...rest] as const,
  );
  test.each(named)('%s is refused', async (_, fields, param, what) => {
    const before = server.model.requests.length;
    const response = await ask(fields);
    expect(response.status).toBe(400);
    const error = await errorOf(response);
    expect(error).toMatchObject({ type: 'invalid_request_error', param });
    expect(error.message).toContain(what);
    expect(error.message.length).toBeLessThan(300);
    expect(error.message).not.toContain('\n');
    expect(server.model.requests).toHaveLength(before);
  });

  test('a model of another name is 404', async () => {
    const response = await ask({ model: 'gpt-4' });
    expect(response.status).toBe(404);
    expect(await errorOf(response)).toMatchObject({ code: 'model_not_found', param: 'model' });
  });

  test('what clients send and what changes nothing is taken', async () => {
    const response = await ask({
      ...{
        model: 'fake',
        user: 'u',
        metadata: { a: 'b' },
        store: true,
        service_tier: 'auto',
        logit_bias: {},
      },
      ...{
        presence_penalty: 0,
        frequency_penalty: 0,
        n: 1,
        best_of: 1,
        temperature: null,
        seed: null,
        stop: null,
      },
      ...{
        top_p: 0,
        top_k: -1,
        min_p: 0.1,
        repetition_penalty: 1.1,
        ignore_eos: true,
        prompt_cache_key: 'k',
      },
    });
    expect(response.status).toBe(200);
    expect(server.model.requests.at(-1)!.options).toMatchObject({
      ...{
        temperature: 1,
        topP: 1e-6,
        topK: 0,
        minP: 0.1,
        repetitionPenalty: 1.1,
        stopText: [],
        stopTokens: [],
      },
    });
  });

  test.each<[string, string | Uint8Array<ArrayBuffer>, string]>([
    ['nothing', '', 'the body is not JSON'],
    ['half an object', '{"prompt": "a"', 'the body is not JSON'],
    ['NaN', '{"temperature": NaN}', 'the body is not JSON'],
    ['a page', '<!doctype html>', 'the body is not JSON'],
    ['a list', '[]', 'must be a JSON object'],
    ['null', 'null', 'must be a JSON object'],
    ['bytes that are no text', new Uint8Array([123, 34, 255, 34, 125]), 'is not UTF-8'],
    ['deep nesting', `{"metadata": ${nested(20_000)}}`, 'nested deeper than 64 levels'],
    ['numbers out of range', '{"prompt": "a", "temperature": 1e999}', 'temperature must be a number'],
  ])('%s is refused', async (_, body, what) => {
    const response = await server.post(path, '', { body });
    expect(response.status).toBe(400);
    expect((await errorOf(response)).message).toContain(what);
  });

  test('names that objects have anyway are fields like others', async () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      const response = await server.post(
        path,
        JSON.stringify({ ...good, max_tokens: 1 }).replace('{', `{"${name}": {"n": 2}, `),
      );
      expect(response.status).toBe(400);
      expect(await errorOf(response)).toMatchObject({ param: name, code: 'unknown_parameter' });
    }
  });

  test('a body that is too large is 413, however it is sent', async () => {
    const large = JSON.stringify({ ...good, user: 'x'.repeat(70_000) });
    const known = await server.post(path, large);
    expect(known.status).toBe(413);
    expect(await errorOf(known)).toMatchObject({ code: 'body_too_large' });
    const chunks = new Blob([large]).stream();
    const chunked = await server.post(path, '', { body: chunks, duplex: 'half' } as RequestInit);
    expect(chunked.status).toBe(413);
  });

  test.each([
    [{ 'content-type': 'text/plain' }],
    [{ 'content-type': 'application/x-www-form-urlencoded' }],
    [{ 'content-type': 'application/json', 'content-encoding': 'gzip' }],
  ])('%j is 415', async (headers) => {
    expect((await server.post(path, good, { headers })).status).toBe(415);
  });
  test('the type may have parameters', async () => {
    const headers = { 'content-type': 'Application/JSON; charset=utf-8' };
    expect((await server.post(path, { ...good, max_tokens: 1 }, { headers })).status).toBe(200);
  });
});

test.each<[object, string, string]>([
  [{}, 'prompt', 'must be a string, a list of strings'],
  [{ prompt: null }, 'prompt', 'got nothing'],
  [{ prompt: 5 }, 'prompt', 'got 5'],
  [{ prompt: [] }, 'prompt', 'got a list of 0'],
  [{ prompt: ['a', 1] }, 'prompt', 'a list of several kinds'],
  [{ prompt: [[1], 'a'] }, 'prompt', 'a list of several kinds'],
  [{ prompt: '' }, 'prompt', 'must have at least one token'],
  [{ prompt: ['a', ''] }, 'prompt[1]', 'must have at least one token'],
  [{ prompt: [[1], []] }, 'prompt[1]', 'must have at least one token'],
  [{ prompt: [1, -1] }, 'prompt', 'must hold token ids of this model, from 0 to 260, got -1'],
  [{ prompt: [261] }, 'prompt', 'got 261'],
  [{ prompt: [1.5] }, 'prompt', 'got 1.5'],
  [{ prompt: [[1], [['x']]] }, 'prompt[1]', 'got a list of 1'],
  [{ prompt: Array(9).fill('a') }, 'prompt', 'asks for 9 × 1 texts, a request may have 8'],
  [{ prompt: ['a', 'b', 'c'], n: 3 }, 'prompt', 'asks for 3 × 3 texts'],
  [{ prompt: 'a', max_tokens: 0 }, 'max_tokens', 'may be 0 with echo alone'],
  [{ prompt: 'a', logprobs: 21 }, 'logprobs', 'from 0 to 20'],
  [{ prompt: 'a', logprobs: true }, 'logprobs', 'got true'],
  [{ prompt: 'a', suffix: 'b' }, 'suffix', 'is not supported'],
  [{ prompt: 'a', echo: 1 }, 'echo', 'must be true or false'],
  [{ prompt: 'a', messages: [] }, 'messages', 'is not a known field'],
])('the completion %j is refused', async (body, param, what) => {
  const response = await server.post('/v1/completions', body);
  expect(response.status).toBe(400);
  const error = await errorOf(response);
  expect(error.param).toBe(param);
  expect(error.message).toContain(what);
});

test.each<[object, string, string]>([
  [{}, 'messages', 'must be a list of at least one message'],
  [{ messages: [] }, 'messages', 'must be a list'],
  [{ messages: 'hello' }, 'messages', 'got "hello"'],
  [{ messages: [null] }, 'messages[0]', 'must be an object'],
  [{ messages: [message, {}] }, 'messages[1].role', 'must be one of'],
  [{ messages: [{ role: 'wizard', content: 'a' }] }, 'messages[0].role', 'got "wizard"'],
  [{ messages: [{ role: 'user' }] }, 'messages[0].content', 'must be a string'],
  [{ messages: [{ role: 'user', content: 5 }] }, 'messages[0].content', 'got 5'],
  [{ messages: [{ role: 'user', content: [] }] }, 'messages[0].content', 'a list of 0'],
  [
    { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: {} }] }] },
    'messages[0].content[0]',
    'must be a part of type "text", got "image_url"',
  ],
  [{ messages: [message], max_tokens: 0 }, 'max_tokens', 'of at least 1'],
  [{ messages: [message], max_tokens: 1, max_completion_tokens: 2 }, 'max_tokens', 'differ'],
  [{ messages: [message], logprobs: 3 }, 'logprobs', 'must be true or false'],
  [{ messages: [message], top_logprobs: 3 }, 'top_logprobs', 'set logprobs to true'],
  [{ messages: [message], tools: [{ type: 'function' }] }, 'tools', 'this server calls no functions'],
  [{ messages: [message], tool_choice: 'required' }, 'tool_choice', 'is not supported'],
  [{ messages: [message], response_format: { type: 'json_object' } }, 'response_format', 'only plain text'],
  [{ messages: [message], modalities: ['text', 'audio'] }, 'modalities', 'only plain text'],
  [{ messages: [message], reasoning_effort: 'low' }, 'reasoning_effort', 'is not supported'],
  [{ messages: [message], chat_template_kwargs: 1 }, 'chat_template_kwargs', 'must be an object'],
  [{ messages: [message], prompt: 'a' }, 'prompt', 'is not a known field'],
])('the chat %j is refused', async (body, param, what) => {
  const response = await server.post('/v1/chat/completions', body);
  expect(response.status).toBe(400);
  const error = await errorOf(response);
  expect(error.param).toBe(param);
  expect(error.message).toContain(what);
});

describe('what does not fit the context', () => {
  test.each([
    ['/v1/completions', { prompt: 'a'.repeat(CONTEXT - 1), max_tokens: 2 }, 'max_tokens'],
    ['/v1/completions', { prompt: 'a'.repeat(CONTEXT) }, null],
    ['/v1/completions', { prompt: 'a'.repeat(CONTEXT + 1), max_tokens: 0, echo: true }, null],
    ['/v1/chat/completions', { messages: [{ role: 'user', content: 'a'.repeat(CONTEXT) }] }, null],
  ])('%s %#', async (path, body, param) => {
    const response = await server.post(path, body);
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ code: 'context_length_exceeded', param });
  });
  test('a text that is far too long is not made into tokens', async () => {
    const text = ' '.repeat(33 * CONTEXT);
    for (const [path, body, param] of [
      ['/v1/completions', { prompt: ['a', text] }, 'prompt[1]'],
      ['/v1/chat/completions', { messages: [{ role: 'user', content: text }] }, 'messages'],
    ] as const) {
      const response = await server.post(path, body);
      expect(response.status).toBe(400);
      const error = await errorOf(response);
      expect(error).toMatchObject({ code: 'context_length_exceeded', param });
      expect(error.message).toMatch(/ has 8\d\d\d characters$/);
    }
  });
  test('the last place is taken', async () => {
    const body = { prompt: 'a'.repeat(CONTEXT - 1), max_tokens: 1 };
    expect((await server.post('/v1/completions', body)).status).toBe(200);
    const unsaid = { prompt: 'a'.repeat(CONTEXT - 1) };
    expect(await (await server.post('/v1/completions', unsaid)).json()).toMatchObject({
      usage: { completion_tokens: 1 },
    });
  });
});

test('a model without a chat template says so', async () => {
  const plain = await startFake({ template: false });
  const response = await plain.post('/v1/chat/completions', { messages: [message] });
  expect(response.status).toBe(400);
  expect(await errorOf(response)).toMatchObject({
    code: 'no_chat_template',
    message: expect.stringContaining(
      'fake has no chat template: it was not trained to talk; use /v1/completions',
    ),
  });
  await plain.close();
});
