import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ValueError } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { createByteTokenizer, loadTokenizer } from '@qsparse/data';
import { bytesReader, FormatError, formatTokenizerJson } from '@qsparse/formats';
import { createDecoder, type Decoder, initialize } from '@qsparse/layers';
import { llama2cTokenizer, loadWeights, openLlama2c } from '@qsparse/models';
import { fromPretrained, generate, hubFiles, type ModelSource } from 'qsparse';
import { fromPretrained as fromPath, saveModel } from 'qsparse/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TINY } from './tiny-decoder.ts';

const device = referenceDevice();
const tokenizer = createByteTokenizer();
const model = createDecoder(device, { ...TINY, vocabularySize: tokenizer.vocabularySize });
initialize(model, 1);
let root: string;
let saved: string;
let server: Server;
let base: string;
const asked: string[] = [];

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'from-pretrained-'));
  saved = join(root, 'tiny');
  await saveModel(saved, model, tokenizer);
  // Files under /models/tiny, and as a hub has them under /owner/tiny/resolve/REVISION.
  server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://local');
    asked.push(`${request.headers.authorization ?? '-'} ${pathname}`);
    const [, file = ''] = /^\/(?:models\/tiny|owner\/tiny\/resolve\/\w+)\/([^/]+)$/.exec(pathname) ?? [];
    if (pathname.startsWith('/owner/private')) return void response.writeHead(401).end('no\nentry');
    if (!readdirSync(saved).includes(file)) return void response.writeHead(404).end();
    const body = readFileSync(join(saved, file));
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
    const part = from === undefined ? body : body.subarray(Number(from), Number(to) + 1);
    const headers = { etag: '"1"', 'content-length': part.length };
    if (from === undefined) return void response.writeHead(200, headers).end(part);
    response.writeHead(206, { ...headers, 'content-range': `bytes ${from}-${to}/${body.length}` }).end(part);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(root, { recursive: true, force: true });
});

const chosen = (): File[] =>
  readdirSync(saved).map((name) => new File([readFileSync(join(saved, name))], name));
const valuesOf = ({ arena }: Decoder) => device.values(arena.values);

describe('every kind of source gives the same model', () => {
  const handle = (): FileSystemHandle =>
    ({
      kind: 'directory',
      name: 'tiny',
      async getFileHandle(name: string) {
        const file = chosen().find((one) => one.name === name);
        if (!file) throw new DOMException('none', 'NotFoundError');
        return { kind: 'file', name, getFile: async () => file };
      },
    }) as unknown as FileSystemHandle;

  test.each<[string, () => ModelSource | Promise<ModelSource>, (source: string) => void]>([
    ['an address', () => `${base}/models/tiny`, (name) => expect(name).toBe(`${base}/models/tiny/`)],
    ['a URL', () => new URL(`${base}/models/tiny/`), (name) => expect(name).toBe(`${base}/models/tiny/`)],
    ['chosen files', chosen, (name) => expect(name).toBe('the chosen files')],
    ['a folder handle', handle, (name) => expect(name).toBe('tiny')],
    [
      'a hub',
      () => hubFiles('owner/tiny', { hubUrl: base, revision: 'v1', accessToken: 'hf_x' }),
      (name) => expect(name).toBe('owner/tiny@v1'),
    ],
  ])('%s', async (_, source, checkName) => {
    const loaded = await fromPretrained(await source(), device);
    checkName(loaded.folder);
    expect(valuesOf(loaded.model)).toEqual(valuesOf(model));
    expect(loaded.tokenizer.encode('é')).toEqual(Int32Array.of(0xc3, 0xa9));
    expect(loaded.config).toMatchObject({ family: 'qsparse', endOfText: 256 });
    loaded.model.dispose();
  });

  test('in Node paths and file URLs too', async () => {
    for (const source of [saved, pathToFileURL(saved), String(pathToFileURL(saved)), `${base}/models/tiny`]) {
      const loaded = await fromPath(source, device);
      expect(valuesOf(loaded.model)).toEqual(valuesOf(model));
      if (!String(source).startsWith('http')) expect(loaded.folder).toBe(saved);
      loaded.model.dispose();
    }
  });
});

test('the hub is asked for a revision with a token, and gives parts of files', async () => {
  asked.length = 0;
  const files = await hubFiles('owner/tiny', { hubUrl: base, accessToken: 'hf_secret' });
  const reader = await files.open('config.json');
  expect(new TextDecoder().decode(await reader!.read(0, 1))).toBe('{');
  expect(asked[0]).toBe('Bearer hf_secret /owner/tiny/resolve/main/config.json');
  expect(await files.open('missing.json')).toBeUndefined();
});

test('what the hub refuses is one line that names the file', async () => {
  const files = await hubFiles('owner/private', { hubUrl: base });
  const error = await fromPretrained(files, device).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FormatError);
  expect((error as Error).message).toMatch(
    /^\[hub\] owner\/private\/config\.json: .*401.*; check name and revision/,
  );
  expect((error as Error).message).not.toContain('\n');
});

test('options go with the loading', async () => {
  asked.length = 0;
  const seen: string[] = [];
  const loaded = await fromPretrained(`${base}/models/tiny`, device, {
    compute: 'bf16',
    contextLength: 4,
    onProgress: ({ tensor }) => void seen.push(tensor),
    http: { headers: { authorization: 'Bearer x' } },
  });
  expect(loaded.model).toMatchObject({ compute: 'bf16', config: { contextLength: 4 } });
  expect(seen).toHaveLength(model.arena.params.size);
  expect(new Set(asked.map((line) => line.split(' ')[0] === 'Bearer'))).toEqual(new Set([true]));
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(fromPretrained(`${base}/models/tiny`, device, { signal })).rejects.toThrow('enough');
});

test.each<[string, () => ModelSource, string]>([
  [
    'one file of several',
    () => chosen().find(({ name }) => name === 'model.safetensors')!,
    'config.json is required',
  ],
  [
    'no tokenizer',
    () => chosen().filter(({ name }) => name !== 'tokenizer.json'),
    'tokenizer.json is required',
  ],
  [
    'no weights',
    () => chosen().filter(({ name }) => name !== 'model.safetensors'),
    'model.safetensors is required',
  ],
  ['nothing there', () => `${base}/models/other`, 'config.json is required, there is no such file'],
  ['a path in a browser', () => 'models/tiny', 'an http or https address is required'],
  ['something else', () => ({}) as ModelSource, 'the source must be an address, files,'],
])('%s is refused in one line', async (_, source, message) => {
  const error = await fromPretrained(source(), device).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(Error);
  expect((error as Error).message).toContain(message);
  expect((error as Error).message).not.toContain('\n');
  if (message.startsWith('the source')) expect(error).toBeInstanceOf(ValueError);
});

test('a llama2.c model, saved and loaded as any other, writes the text of the reference program', async () => {
  const fixture = (name: string) =>
    readFileSync(fileURLToPath(new URL(`../../models/test/fixtures/stories260k/${name}`, import.meta.url)));
  const { decoder, store } = await openLlama2c(bytesReader(fixture('stories260K.bin')));
  const stories = createDecoder(device, decoder);
  await loadWeights(stories, store);
  const json = formatTokenizerJson(llama2cTokenizer(fixture('tok512.bin')));
  const folder = join(root, 'stories');
  const names = '{"bos_token": "<s>", "eos_token": "</s>"}';
  const files = { 'tokenizer.json': json, 'tokenizer_config.json': names };
  await saveModel(folder, stories, await loadTokenizer(files));
  stories.dispose();

  const loaded = await fromPath(folder, device);
  const { beginOfText, endOfText } = loaded.tokenizer;
  expect({ beginOfText, endOfText }).toEqual({ beginOfText: 1, endOfText: 2 });
  const expected = fixture('expected-greedy-257.txt').toString().trimEnd();
  const start = 'Once upon a time, there';
  expect(expected.startsWith(start)).toBe(true);
  let text = start;
  const options = { temperature: 0, maxTokens: 257 - (loaded.tokenizer.encode(start).length - 1) };
  for await (const piece of generate(loaded.model, loaded.tokenizer, start, options)) text += piece;
  expect(text).toBe(expected);
  loaded.model.dispose();
});
