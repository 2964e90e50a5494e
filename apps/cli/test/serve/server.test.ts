import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NonFiniteError } from '@qsparse/core';
import { afterEach, describe, expect, test } from 'vitest';
import { ListenError } from '../../src/serve/http-server.ts';
import { startServer } from '../../src/serve/server.ts';
import { errorOf, type FakeOptions, LIMITS, type Started, startFake, within } from './fake-model.ts';

const servers: Started[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.abort();
    await server.close();
  }
});
const start = async (fake?: FakeOptions, options?: Parameters<typeof startFake>[1]): Promise<Started> => {
  const server = await startFake(fake, options);
  servers.push(server);
  return server;
};

test('health, models and one model', async () => {
  const { url } = await start();
  const health = await fetch(`${url}/health`);
  expect(await health.json()).toEqual({ status: 'ok', model: 'fake', active: 0, queued: 0, slots: 4 });
  const card = {
    id: 'fake',
    object: 'model',
    created: 1_700_000_000,
    owned_by: 'qsparse',
    context_length: 256,
    max_model_len: 256,
  };
  expect(await (await fetch(`${url}/v1/models`)).json()).toEqual({ object: 'list', data: [card] });
  expect(await (await fetch(`${url}/v1/models/fake`)).json()).toEqual(card);
  const other = await fetch(`${url}/v1/models/meta%2Fllama`);
  expect(other.status).toBe(404);
  expect(await errorOf(other)).toMatchObject({
    code: 'model_not_found',
    message: 'there is no model "meta/llama", this server has "fake"',
  });
});

test.each([
  ['GET', '/', 404, 'unknown_url'],
  ['POST', '/v1/embeddings', 404, 'unknown_url'],
  ['GET', '/v1/completions', 405, 'method_not_allowed'],
  ['DELETE', '/v1/chat/completions', 405, 'method_not_allowed'],
  ['POST', '/v1/models', 405, 'method_not_allowed'],
  ['OPTIONS', '/v1/completions', 405, 'method_not_allowed'],
  ['PUT', '/health', 405, 'method_not_allowed'],
])('%s %s is %i', async (method, path, status, code) => {
  const { url } = await start();
  const response = await fetch(url + path, { method });
  expect(response.status).toBe(status);
  expect(response.headers.has('allow')).toBe(status === 405);
  expect(await errorOf(response)).toMatchObject({ code });
});

test('metrics count requests, tokens and times, and nothing that clients make up', async () => {
  const { url, post } = await start();
  await post('/v1/completions', { prompt: 'abc', max_tokens: 5 });
  await post('/v1/completions', '{');
  for (const path of ['/a', '/b', '/c"}']) await fetch(url + path);
  await fetch(`${url}/v1/models/fake?x=1`);
  const text = await (await fetch(`${url}/metrics`)).text();
  const has = (line: string) => expect(text.split('\n')).toContain(line);
  has('qsparse_requests_total{route="/v1/completions",status="200"} 1');
  has('qsparse_requests_total{route="/v1/completions",status="400"} 1');
  has('qsparse_requests_total{route="/v1/models/*",status="200"} 1');
  has('qsparse_requests_total{route="other",status="404"} 3');
  has('qsparse_prompt_tokens_total 3');
  has('qsparse_generated_tokens_total 5');
  has('qsparse_time_to_first_token_seconds_count 1');
  has('qsparse_request_duration_seconds_count{route="/v1/completions"} 2');
  has('qsparse_request_duration_seconds_bucket{route="/v1/completions",le="+Inf"} 2');
  has('qsparse_slots 4');
  has('qsparse_reused_tokens_total 11');
  has('qsparse_device_memory_bytes 7');
  // The exposition format: a type before its samples, every line a comment or `name{labels} value`.
  for (const line of text.trim().split('\n'))
    expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"\n]*",?)+\})? [-+\d.einfNa]+)$/i);
});

describe('a key', () => {
  test('is needed for all but health', async () => {
    const { url, post } = await start({}, { apiKey: 'sesame' });
    expect((await fetch(`${url}/health`)).status).toBe(200);
    const without = await fetch(`${url}/v1/models`);
    expect(without.status).toBe(401);
    expect(without.headers.get('www-authenticate')).toBe('Bearer');
    expect(await errorOf(without)).toMatchObject({ type: 'authentication_error', code: 'invalid_api_key' });
    for (const authorization of [
      'Bearer no',
      'Bearer sesame2',
      'Bearer',
      'Basic sesame',
      'sesame',
      `Bearer ${'x'.repeat(5000)}`,
    ])
      expect((await fetch(`${url}/metrics`, { headers: { authorization } })).status).toBe(401);
    expect((await post('/v1/completions', { prompt: 'a' })).status).toBe(401);
    for (const authorization of ['Bearer sesame', 'bearer  sesame'])
      expect((await fetch(`${url}/metrics`, { headers: { authorization } })).status).toBe(200);
  });
});

describe('web pages', () => {
  const preflight = (url: string, origin: string) =>
    fetch(`${url}/v1/completions`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });
  test('are not let in', async () => {
    const { url, post } = await start();
    const asked = await preflight(url, 'http://evil.example');
    expect(asked.status).toBe(405);
    expect(asked.headers.get('access-control-allow-origin')).toBeNull();
    const answer = await fetch(`${url}/v1/models`, { headers: { origin: 'http://evil.example' } });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    // What a form may send without asking.
    const form = await post(
      '/v1/completions',
      { prompt: 'a' },
      { headers: { 'content-type': 'text/plain' } },
    );
    expect(form.status).toBe(415);
  });
  test('of the origins that were named are, also before they have a key', async () => {
    const { url } = await start({}, { origins: ['http://localhost:5173'], apiKey: 'sesame' });
    const asked = await preflight(url, 'http://localhost:5173');
    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-origin')).toBe('http://localhost:5173');
    expect(asked.headers.get('access-control-allow-headers')).toBe('authorization,content-type');
    const other = await preflight(url, 'http://evil.example');
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
    const refused = await fetch(`${url}/v1/models`, { headers: { origin: 'http://localhost:5173' } });
    expect(refused.status).toBe(401);
    // A page must be able to read why.
    expect(refused.headers.get('access-control-allow-origin')).toBe('http://localhost:5173');
  });
});

test('a full queue is 429 with Retry-After', async () => {
  const { post } = await start({ most: 1, delay: 5 });
  const first = await post('/v1/completions', { prompt: 'a', max_tokens: 50, stream: true });
  const second = await post('/v1/chat/completions', { messages: [{ role: 'user', content: 'a' }] });
  expect(second.status).toBe(429);
  expect(second.headers.get('retry-after')).toBe('2');
  expect(await errorOf(second)).toMatchObject({ type: 'rate_limit_error', code: 'queue_full' });
  await first.body!.cancel();
});

test('of a request whose second text finds the queue full, the first is given up', async () => {
  const { post, model } = await start({ most: 1, delay: 2 });
  expect((await post('/v1/completions', { prompt: ['a', 'b'], max_tokens: 100 })).status).toBe(429);
  await within(() => model.active() === 0, 2000);
});

test('a failure before the first token has a status, one after it an event; both are reported', async () => {
  const error = new NonFiniteError('generate', 'the model gives no probabilities', 'its weights are damaged');
  const early = await start({ failure: { at: 0, error } });
  const refused = await early.post('/v1/completions', { prompt: 'a', stream: true });
  expect(refused.status).toBe(500);
  expect(await errorOf(refused)).toMatchObject({ type: 'server_error', code: 'non-finite' });
  const late = await start({ failure: { at: 2, error: new Error('/secret/path') } });
  const stream = await late.post('/v1/completions', { prompt: 'a', stream: true });
  expect(stream.status).toBe(200);
  const text = await stream.text();
  expect(text).toContain('data: {"error":{"message":"the server failed; its own output says how"');
  expect(text).not.toContain('secret');
  expect(text).not.toContain('[DONE]');
  expect(late.reports).toEqual(['[serve] /secret/path']);
  const whole = await late.post('/v1/completions', { prompt: 'a' });
  expect(whole.status).toBe(500);
});

describe.each([true, false])('a client that goes away (stream: %s)', (stream) => {
  test('frees its slot', async () => {
    const { post, model, url } = await start({ delay: 5 });
    const leaving = new AbortController();
    const asked = post('/v1/completions', { prompt: 'a', max_tokens: 60, stream });
    const left = fetch(`${url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: 'a', max_tokens: 200, stream, n: 3 }),
      signal: leaving.signal,
    }).then((response) => response.text());
    await within(() => model.active() === 4);
    leaving.abort();
    await expect(left).rejects.toThrow();
    await within(() => model.active() === 1, 2000);
    await (await asked).text();
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('qsparse_requests_total{route="/v1/completions",status="499"} 1');
  });
});

describe('the end', () => {
  test('running streams are finished, new work is refused', async () => {
    const { post, close, url } = await start({ delay: 5 });
    const running = await post('/v1/completions', { prompt: 'a', max_tokens: 40, stream: true });
    const closed = close();
    const text = await running.text();
    expect(text.match(/"text":/g)!.length).toBeGreaterThanOrEqual(40);
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    await closed;
    await expect(fetch(`${url}/health`)).rejects.toThrow();
  });
  test('or ended with an error that says so', async () => {
    const { post, close, abort } = await start({ delay: 5 });
    const stream = await post('/v1/completions', { prompt: 'a', max_tokens: 200, stream: true });
    const whole = post('/v1/completions', { prompt: 'a', max_tokens: 200 });
    setTimeout(abort, 30);
    expect(await stream.text()).toContain('"message":"the server is stopping"');
    expect((await whole).status).toBe(503);
    await close();
  });
});

test('before the model is there, requests are told to come back', async () => {
  const server = await startServer({ host: '127.0.0.1', port: 0, limits: LIMITS, report() {} });
  const response = await fetch(`${server.url}/v1/models`);
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('5');
  expect(await errorOf(response)).toMatchObject({ code: 'loading' });
  await server.close();
});

test('an address that cannot be had is one clear line', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as AddressInfo;
  const at = (host: string, wanted: number) =>
    startServer({ host, port: wanted, limits: LIMITS, report() {} });
  await expect(at('127.0.0.1', port)).rejects.toThrow(
    new ListenError(
      `[serve] port ${port} of 127.0.0.1 is in use; choose another with --port, or 0 for a free one`,
    ),
  );
  await expect(at('203.0.113.9', 0)).rejects.toThrow('203.0.113.9 is no address of this machine');
  taken.close();
});
