import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { referenceDevice } from '@qsparse/core/reference';
import { createByteTokenizer } from '@qsparse/data';
import { createDecoder, initialize } from '@qsparse/layers';
import { cachedHubFiles, fromPretrained, isHubName, saveModel } from 'qsparse/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TINY } from '../tiny-decoder.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const device = referenceDevice();
const tokenizer = createByteTokenizer();
const asked: string[] = [];
let [root, saved, hubUrl] = ['', '', ''];
let server: Server;

/** A hub with one model, whose branch `main` is one commit. */
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'hub-cache-'));
  saved = join(root, 'tiny');
  const model = createDecoder(device, { ...TINY, vocabularySize: tokenizer.vocabularySize });
  initialize(model, 1);
  await saveModel(saved, model, tokenizer);
  server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://local');
    asked.push(`${request.headers.authorization ?? '-'} ${pathname}`);
    if (pathname === '/api/models/owner/tiny/revision/main')
      return void response.end(JSON.stringify({ id: 'owner/tiny', sha: COMMIT }));
    const file = pathname.slice(`/owner/tiny/resolve/${COMMIT}/`.length);
    if (!pathname.includes(`/resolve/${COMMIT}/`) || !readdirSync(saved).includes(file))
      return void response.writeHead(404).end();
    const body = readFileSync(join(saved, file));
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
    const part = from === undefined ? body : body.subarray(Number(from), Number(to) + 1);
    const headers = { etag: '"1"', 'content-length': part.length };
    if (from === undefined) return void response.writeHead(200, headers).end(part);
    response.writeHead(206, { ...headers, 'content-range': `bytes ${from}-${to}/${body.length}` }).end(part);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  hubUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(root, { recursive: true, force: true });
});

test('a model comes once: then from disk, and without the hub too', async () => {
  const cache = join(root, 'cache');
  const told: string[] = [];
  const load = async () => {
    asked.length = 0;
    const files = await cachedHubFiles('owner/tiny', {
      cache,
      hubUrl,
      accessToken: 'hf_x',
      onDownload: ({ file, bytes, totalBytes }) => void told.push(`${file} ${bytes === totalBytes}`),
    });
    const { model, folder } = await fromPretrained(files, device);
    model.dispose();
    return folder;
  };
  expect(await load()).toBe('owner/tiny@main');
  expect(told).toEqual(
    expect.arrayContaining(['config.json true', 'tokenizer.json true', 'model.safetensors true']),
  );
  expect(new Set(asked.map((line) => line.split(' /')[0]))).toEqual(new Set(['Bearer hf_x']));
  const snapshot = join(cache, 'models--owner--tiny', 'snapshots', COMMIT);
  for (const name of readdirSync(saved))
    expect(readFileSync(join(snapshot, name))).toEqual(readFileSync(join(saved, name)));

  told.length = 0;
  await load();
  expect(told).toEqual([]);
  expect(asked.filter((line) => line.endsWith('.safetensors'))).toEqual([]);

  const online = hubUrl;
  hubUrl = 'http://127.0.0.1:1';
  expect(await load()).toBe('owner/tiny@main');
  hubUrl = online;
});

test('what the hub does not have, names that are none, files elsewhere', async () => {
  const cache = join(root, 'other');
  await expect(cachedHubFiles('owner/none', { cache, hubUrl })).rejects.toThrow(
    /^\[hub\] owner\/none@main: .*404.*; check name and revision/,
  );
  await expect(cachedHubFiles('owner/tiny', { cache, hubUrl: 'http://127.0.0.1:1' })).rejects.toThrow(
    '[hub]',
  );
  await expect(cachedHubFiles('../tiny', { cache, hubUrl })).rejects.toThrow('owner/name is required');
  const files = await cachedHubFiles('owner/tiny', { cache, hubUrl });
  await expect(files.open('../../x')).rejects.toThrow('plain name');
  expect(await files.open('missing.json')).toBeUndefined();
  const stop = AbortSignal.abort(new Error('enough'));
  const stopped = await cachedHubFiles('owner/tiny', { cache, hubUrl, signal: stop });
  await expect(stopped.open('model.safetensors')).rejects.toThrow('enough');
  expect(existsSync(join(cache, 'models--owner--tiny', 'snapshots', COMMIT, 'model.safetensors'))).toBe(
    false,
  );
});

test.each<[string, boolean]>([
  ['Qwen/Qwen3-0.6B', true],
  ['owner/model.v1', true],
  ['./model', false],
  ['/a/b', false],
  ['models/x/y', false],
  ['model', false],
  ['models/x.gguf', false],
])('%s as a name on the hub: %s', (text, expected) => {
  expect(isHubName(text)).toBe(expected);
});
