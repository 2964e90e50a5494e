/** What comes over a socket and is no request, or a cruel one. After each, the server answers others as before. */
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Started, startFake, within } from './fake-model.ts';

let server: Started;
const sockets: Socket[] = [];
beforeAll(async () => {
  server = await startFake({ delay: 2 }, { headTimeout: 250, requestTimeout: 500 });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  expect((await server.post('/v1/completions', { prompt: 'a', max_tokens: 1 })).status).toBe(200);
  await within(() => server.model.active() === 0);
});
afterAll(async () => {
  await server.close();
  expect(server.reports).toEqual([]);
});

function open(): Socket {
  const socket = connect({ host: '127.0.0.1', port: server.port, allowHalfOpen: true });
  socket.on('error', () => {});
  sockets.push(socket);
  return socket;
}

/** All that comes until the server ends the connection. */
async function exchange(...parts: readonly string[]): Promise<string> {
  const socket = open();
  let text = '';
  socket.on('data', (data) => (text += data));
  const ended = new Promise((resolve) => socket.once('close', resolve));
  socket.once('end', () => socket.end());
  for (const part of parts) socket.write(part);
  await ended;
  return text;
}

const HEAD = 'POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
const CLOSE = 'Connection: close\r\n';
const GOOD = '{"prompt":"a","max_tokens":1}';

/** Status and error of an answer, which must be one alone. */
function read(text: string): { status: number; code: string; message: string } {
  const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(text) ?? [];
  const { error } = JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) as {
    error: { code: string; message: string; type: string };
  };
  expect(error).toMatchObject({ type: expect.any(String) });
  expect(error.message).not.toContain('\n');
  return { status: Number(status), code: error.code, message: error.message };
}

test.each<[string, string, number, string]>([
  ['noise', '\x00\x01\x02 what\r\n\r\n', 400, 'invalid_request'],
  ['a TLS greeting', '\x16\x03\x01\x02\x00\x01\x00\x01', 400, 'invalid_request'],
  ['no version', 'GET /health\r\n\r\n', 400, 'invalid_request'],
  ['another protocol', 'GET /health FTP/1.1\r\n\r\n', 400, 'invalid_request'],
  ['a header without a name', 'GET /health HTTP/1.1\r\n: x\r\n\r\n', 400, 'invalid_request'],
  [
    'a bare line feed in a header',
    'GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\nb\r\n\r\n',
    400,
    'invalid_request',
  ],
  [
    'huge headers',
    `GET /health HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    431,
    'headers_too_large',
  ],
  [
    'a huge address',
    `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    431,
    'headers_too_large',
  ],
  ['no host', `GET /v1/models HTTP/1.1\r\n${CLOSE}\r\n`, 400, 'invalid_request'],
  ['a host that is none', `GET /v1/models HTTP/1.1\r\nHost: a/b@c\r\n${CLOSE}\r\n`, 400, 'invalid_request'],
  [
    'the host of another',
    `GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n${CLOSE}\r\n`,
    403,
    'host_not_allowed',
  ],
  [
    'an address elsewhere',
    `GET http://evil.example/v1/models HTTP/1.1\r\nHost: localhost\r\n${CLOSE}\r\n`,
    403,
    'host_not_allowed',
  ],
  [
    'a path that is none',
    `GET \\v1\\models HTTP/1.1\r\nHost: localhost\r\n${CLOSE}\r\n`,
    400,
    'invalid_request',
  ],
  ['a way up', `GET /v1/../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n${CLOSE}\r\n`, 404, 'unknown_url'],
  [
    'a bad escape',
    `GET /v1/models/%E0%A4%A HTTP/1.1\r\nHost: localhost\r\n${CLOSE}\r\n`,
    404,
    'model_not_found',
  ],
  ['two lengths', `${HEAD}Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}   `, 400, 'invalid_request'],
  [
    'a length and chunks',
    `${HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
    'invalid_request',
  ],
  ['a length that is none', `${HEAD}Content-Length: -5\r\n\r\n`, 400, 'invalid_request'],
  ['a length beyond all', `${HEAD}Content-Length: 99999999999999999999999\r\n\r\n`, 400, 'invalid_request'],
  ['a large length', `${HEAD}${CLOSE}Content-Length: 9999999999\r\n\r\n{`, 413, 'body_too_large'],
  ['a chunk that is none', `${HEAD}${CLOSE}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 400, 'invalid_request'],
  ['an encoding of the transfer', `${HEAD}${CLOSE}Transfer-Encoding: gzip\r\n\r\n`, 400, 'invalid_request'],
  ['an expectation', `${HEAD}Expect: a miracle\r\nContent-Length: 2\r\n\r\n{}`, 417, 'expectation_failed'],
  ['a header that never ends', 'GET /health HTTP/1.1\r\nHost: localhost\r\nX: ', 408, 'request_timeout'],
  [
    'a length that is not kept',
    `${HEAD}${CLOSE}Content-Length: 100\r\n\r\n{"prompt"`,
    408,
    'request_timeout',
  ],
  [
    'chunks without an end',
    `${HEAD}${CLOSE}Transfer-Encoding: chunked\r\n\r\n3\r\n{"p\r\n`,
    408,
    'request_timeout',
  ],
])('%s', async (_, bytes, status, code) => {
  expect(read(await exchange(bytes))).toMatchObject({ status, code });
});

test('a request that trickles is cut off', async () => {
  const socket = open();
  let text = '';
  socket.on('data', (data) => (text += data));
  const ended = new Promise((resolve) => socket.once('close', resolve));
  socket.once('end', () => socket.end());
  socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
  const trickle = setInterval(() => socket.writable && socket.write('1\r\n \r\n'), 20);
  await ended;
  clearInterval(trickle);
  expect(read(text)).toMatchObject({ status: 408, code: 'request_timeout' });
});

test('what is more than the length says is no part of the request', async () => {
  const text = await exchange(`${HEAD}Content-Length: ${GOOD.length}\r\n\r\n${GOOD}and more`);
  // It is another one, and a bad one, that may be answered before the first.
  expect(text).toMatch(/^HTTP\/1\.1 (200|400) /);
});

test('requests in one go are answered in turn', async () => {
  const one = `${HEAD}Content-Length: ${GOOD.length}\r\n\r\n${GOOD}`;
  const last = `${HEAD}${CLOSE}Content-Length: 1\r\n\r\n{`;
  const text = await exchange(one + one + last);
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 400']);
});

test('100-continue works', async () => {
  const text = await exchange(
    `${HEAD}${CLOSE}Expect: 100-continue\r\nContent-Length: ${GOOD.length}\r\n\r\n`,
    GOOD,
  );
  expect(text.startsWith('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK')).toBe(true);
});

test('CONNECT and an upgrade lead nowhere', async () => {
  expect(await exchange('CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n')).toBe('');
  const upgrade = 'Upgrade: websocket\r\nConnection: Upgrade, close\r\n';
  expect(await exchange(`GET /health HTTP/1.1\r\nHost: localhost\r\n${upgrade}\r\n`)).toContain(
    'HTTP/1.1 200 OK',
  );
});

test('clients that vanish at any moment leave nothing behind', async () => {
  const body = '{"prompt":"a","max_tokens":200,"stream":true}';
  const request = `${HEAD}Content-Length: ${body.length}\r\n\r\n${body}`;
  const cuts = [1, 20, HEAD.length - 2, request.length - 5, request.length, request.length];
  for (const [index, cut] of cuts.entries()) {
    const socket = open();
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write(request.slice(0, cut));
    // The last one is gone while the answer comes.
    if (index === cuts.length - 1) await new Promise((resolve) => socket.once('data', resolve));
    if (index % 2 === 0) socket.resetAndDestroy();
    else socket.destroy();
  }
  await within(() => server.model.active() === 0, 2000);
});

test('a hundred connections that say nothing keep nobody out', async () => {
  for (let i = 0; i < 100; i++) open();
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
});
