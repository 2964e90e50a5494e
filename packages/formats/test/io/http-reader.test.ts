import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { httpReader } from '@qsparse/formats';
import { afterEach, describe, expect, test } from 'vitest';
import { failure } from '../helpers/outcome.ts';

const BYTES = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A real server on this machine; returns the address of a file on it. */
async function serve(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/dir/model.safetensors?token=secret`;
}

interface Wrong {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: (bytes: Uint8Array) => Uint8Array;
}

/** A server of BYTES with ranges; `wrong` changes answers after the first. */
function files(wrong: Wrong = {}, log: string[] = []) {
  return (request: IncomingMessage, response: ServerResponse) => {
    log.push(`${request.method} ${request.headers.range ?? ''}`.trim());
    const [first, last] =
      /bytes=(\d+)-(\d+)/
        .exec(request.headers.range ?? '')
        ?.slice(1)
        .map(Number) ?? [];
    const change = log.length > 1 ? wrong : {};
    if (first === undefined || last === undefined) {
      response
        .writeHead(200, { 'content-length': BYTES.length })
        .end(request.method === 'HEAD' ? undefined : BYTES);
      return;
    }
    const part = (change.body ?? ((bytes) => bytes))(BYTES.subarray(first, last + 1));
    const range = { 'content-range': `bytes ${first}-${last}/${BYTES.length}`, etag: '"v1"' };
    response.writeHead(change.status ?? 206, { ...range, ...change.headers }).end(part);
  };
}

test('size by one byte, then exactly the ranges that are asked for', async () => {
  const log: string[] = [];
  const reader = await httpReader(await serve(files({}, log)));
  expect(reader.size).toBe(1000);
  expect(await reader.read(10, 20)).toEqual(BYTES.slice(10, 30));
  expect(await reader.read(999, 1)).toEqual(BYTES.slice(999));
  expect(await reader.read(5, 0)).toEqual(new Uint8Array());
  await failure(() => reader.read(990, 11), 'range');
  expect(log).toEqual(['GET bytes=0-0', 'GET bytes=10-29', 'GET bytes=999-999']);
});

test('headers are sent, secrets stay out of names and messages', async () => {
  let seen: string | undefined;
  const address = await serve((request, response) => {
    seen = request.headers.authorization;
    response.writeHead(403).end();
  });
  const error = await failure(
    () => httpReader(address, { headers: { authorization: 'Bearer topsecret' } }),
    'io',
  );
  expect(seen).toBe('Bearer topsecret');
  expect(error.message).toContain('/dir/model.safetensors: access is denied (status 403)');
  for (const secret of ['secret', 'token']) expect(error.message).not.toContain(secret);
});

test('where Content-Range is hidden, the size comes from a HEAD request', async () => {
  const log: string[] = [];
  const serveFile = files({}, log);
  const address = await serve((request, response) => {
    const writeHead = response.writeHead.bind(response);
    response.writeHead = ((status: number, headers: Record<string, string>) => {
      delete headers['content-range'];
      return writeHead(status, headers);
    }) as typeof response.writeHead;
    serveFile(request, response);
  });
  const reader = await httpReader(address);
  expect(reader.size).toBe(1000);
  expect(await reader.read(3, 4)).toEqual(BYTES.slice(3, 7));
  expect(log).toEqual(['GET bytes=0-0', 'HEAD', 'GET bytes=3-6']);
});

test('an empty file has size 0', async () => {
  const unsatisfiable = await serve((_, response) =>
    response.writeHead(416, { 'content-range': 'bytes */0' }).end(),
  );
  expect((await httpReader(unsatisfiable)).size).toBe(0);
  const whole = await serve((_, response) => response.writeHead(200, { 'content-length': 0 }).end());
  expect((await httpReader(whole)).size).toBe(0);
});

describe('a server that cannot serve', () => {
  test.each([
    [200, 'ignores range requests'],
    [401, 'access is denied'],
    [404, 'no such file'],
    [500, 'got status 500'],
  ])('status %d', async (status, text) => {
    const address = await serve((_, response) =>
      response.writeHead(status, { 'content-length': 4 }).end('body'),
    );
    expect((await failure(() => httpReader(address), 'io')).message).toContain(text);
  });

  test('no server at all, or no address', async () => {
    const address = await serve(() => {});
    for (const close of closers.splice(0)) close();
    expect((await failure(() => httpReader(address), 'io')).message).toContain('no answer');
    const withPassword = await failure(() => httpReader('https://user:hunter2@example.com/x'), 'io');
    expect(withPassword.message).toContain('authorization');
    expect(withPassword.message).not.toContain('hunter2');
    for (const wrong of ['model.safetensors', 'ftp://host/x', 'file:///etc/passwd', '']) {
      await failure(() => httpReader(wrong), 'io');
    }
  });

  test('a size that nobody tells', async () => {
    const address = await serve((_, response) => response.writeHead(206).end('x'));
    const error = await failure(() => httpReader(address), 'io');
    expect(error.message).toContain('does not tell the size');
  });
});

describe('an answer that is not the range', () => {
  test.each<[string, Wrong, string]>([
    ['the whole file', { status: 200 }, 'ignores range requests'],
    ['too short', { body: (b) => b.subarray(1) }, '20 bytes at 10 are required, got 19'],
    ['too long', { body: (b) => new Uint8Array(b.length + 1) }, 'got more'],
    ['endless', { body: () => new Uint8Array(2e7) }, 'got more'],
    ['of another version', { headers: { etag: '"v2"' } }, 'changed on the server'],
    [
      'of another place',
      { headers: { 'content-range': 'bytes 0-19/1000' } },
      'a range from byte 10 is required',
    ],
    ['gone meanwhile', { status: 404 }, 'no such file'],
    ['compressed', { headers: { 'content-encoding': 'br' } }, 'an uncompressed answer'],
  ])('%s', async (_, wrong, text) => {
    const reader = await httpReader(await serve(files(wrong)));
    const error = await failure(() => reader.read(10, 20), 'io');
    expect(error.message).toContain(text);
  });

  test('a connection that breaks off', async () => {
    let answers = 0;
    const address = await serve((request, response) => {
      answers += 1;
      if (answers === 1) return files()(request, response);
      response.writeHead(206, { 'content-length': 20 }).write('half');
      setTimeout(() => response.destroy(), 5);
    });
    const reader = await httpReader(address);
    expect((await failure(() => reader.read(10, 20), 'io')).message).toContain('the connection broke');
  });
});

test('an abort is thrown as it came, before and during a request', async () => {
  const reason = new Error('enough');
  const address = await serve(files());
  await expect(httpReader(address, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const reader = await httpReader(address);
  await expect(reader.read(0, 1, AbortSignal.abort(reason))).rejects.toBe(reason);
  const silent = await serve(() => {});
  const controller = new AbortController();
  const pending = httpReader(silent, { signal: controller.signal });
  setTimeout(() => controller.abort(reason), 10);
  await expect(pending).rejects.toBe(reason);
});
