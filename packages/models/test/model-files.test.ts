import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FormatError } from '@qsparse/formats';
import {
  chosenFiles,
  directoryFiles,
  openWeights,
  readModelFile,
  readOptionalFile,
  urlFiles,
} from '@qsparse/models';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileOf, memoryFiles } from './checkpoints.ts';

const textOf = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

describe('an address', () => {
  let server: Server;
  let base: string;
  const asked: string[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(`${request.headers.authorization ?? '-'} ${request.url}`);
      const body = Buffer.from('{"a": 1}');
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
      if (request.url?.includes('missing')) return void response.writeHead(404).end('<html>');
      if (request.url?.includes('forbidden')) return void response.writeHead(403).end();
      const part = body.subarray(Number(from), Number(to) + 1);
      const range = `bytes ${from}-${to}/${body.length}`;
      response.writeHead(206, { 'content-range': range, 'content-length': part.length }).end(part);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  test.each(['/models/tiny', '/models/tiny/', '/models/tiny#part'])('%s: files under it', async (path) => {
    const files = urlFiles(base + path);
    expect(files.name).toBe(`${base}/models/tiny/`);
    asked.length = 0;
    const { bytes, name } = await readModelFile(files, 'config.json');
    expect({ text: textOf(bytes), name }).toEqual({
      text: '{"a": 1}',
      name: `${base}/models/tiny/config.json`,
    });
    expect(asked[0]).toBe('- /models/tiny/config.json');
  });

  test('query and headers go with every file, and stay out of messages', async () => {
    asked.length = 0;
    const files = urlFiles(new URL('/m?token=secret', base), { headers: { authorization: 'Bearer x' } });
    await readModelFile(files, 'odd name.json');
    expect(asked[0]).toBe('Bearer x /m/odd%20name.json?token=secret');
    expect(files.name).not.toContain('secret');
  });

  test('a file that is not there is undefined, any other answer an error', async () => {
    expect(await urlFiles(`${base}/missing`).open('config.json')).toBeUndefined();
    await expect(readModelFile(urlFiles(`${base}/missing`), 'config.json')).rejects.toThrow(
      `[model] ${base}/missing/: config.json is required, there is no such file`,
    );
    await expect(urlFiles(`${base}/forbidden`).open('config.json')).rejects.toThrow('access is denied');
  });
});

test('what is no address is refused', () => {
  expect(() => urlFiles('models/tiny')).toThrow(FormatError);
  expect(() => urlFiles('models/tiny')).toThrow('an http or https address is required, got "models/tiny"');
});

test('chosen files are found by name', async () => {
  const files = chosenFiles([new File(['{}'], 'config.json'), new File(['x'], 'notes.txt')]);
  expect(textOf((await readOptionalFile(files, 'config.json'))?.bytes)).toBe('{}');
  expect(await readOptionalFile(files, 'tokenizer.json')).toBeUndefined();
  await expect(readModelFile(files, 'tokenizer.json')).rejects.toThrow(
    '[model] the chosen files: tokenizer.json',
  );
});

/** As browsers have it. */
function directory(
  files: Readonly<Record<string, string>>,
  failure?: DOMException,
): FileSystemDirectoryHandle {
  return {
    kind: 'directory',
    name: 'tiny',
    async getFileHandle(name: string) {
      if (failure) throw failure;
      if (!(name in files)) throw new DOMException('none', 'NotFoundError');
      return { kind: 'file', name, getFile: async () => new File([files[name]!], name) };
    },
  } as unknown as FileSystemDirectoryHandle;
}

test('a folder handle', async () => {
  const files = directoryFiles(directory({ 'config.json': '{}' }));
  expect(files.name).toBe('tiny');
  expect(textOf((await readModelFile(files, 'config.json')).bytes)).toBe('{}');
  expect(await files.open('tokenizer.json')).toBeUndefined();
  const locked = directoryFiles(directory({}, new DOMException('no right', 'NotAllowedError')));
  await expect(locked.open('config.json')).rejects.toThrow('no right');
});

test('a small file that is too large is not read', async () => {
  const files = {
    name: 'folder',
    open: async () => ({ size: 2 ** 40, read: () => Promise.reject(new Error('was read')) }),
  };
  await expect(readModelFile(files, 'config.json')).rejects.toThrow('at most 100000000 bytes are expected');
});

describe('weights', () => {
  const tensor = (name: string) => ({ name, dtype: 'f32' as const, shape: [1], data: Float32Array.of(2) });
  const index = (map: object) => JSON.stringify({ metadata: {}, weight_map: map });

  test('one file goes before shards', async () => {
    const files = memoryFiles({
      'model.safetensors': await fileOf([tensor('a')]),
      'model.safetensors.index.json': 'no JSON',
    });
    expect([...(await openWeights(files)).tensors.keys()]).toEqual(['a']);
  });

  test('shards by their index', async () => {
    const files = memoryFiles({
      'one.safetensors': await fileOf([tensor('a')]),
      'two.safetensors': await fileOf([tensor('b')]),
      'model.safetensors.index.json': index({ a: 'one.safetensors', b: 'two.safetensors' }),
    });
    const store = await openWeights(files);
    expect([...(await store.read('b')).data]).toEqual([2]);
  });

  test.each<[Record<string, string>, string]>([
    [{}, '[model] folder: model.safetensors is required, there is no such file'],
    [
      { 'model.safetensors.index.json': index({ a: 'one.safetensors' }) },
      'shard "one.safetensors" is required and cannot be opened',
    ],
    [{ 'model.safetensors': '<html>' }, 'folder/model.safetensors'],
  ])('%#: what is missing is named', async (files, message) => {
    const error = await openWeights(memoryFiles(files)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).not.toContain('\n');
  });
});
