import { type ByteReader, bytesReader, type FormatErrorCode, openShardedSafetensors } from '@qsparse/formats';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mutatedBytes } from '../helpers/mutated-bytes.ts';
import { failure, successOrFormatError } from '../helpers/outcome.ts';
import { entry, rawFile } from '../helpers/raw-safetensors.ts';

const one = (name: string, value: number, metadata = '') =>
  rawFile(`{${metadata}${entry(name, 'U8', [1], [0, 1])}}`, Uint8Array.of(value));
const index = (map: Record<string, string>) => new TextEncoder().encode(JSON.stringify({ weight_map: map }));

const MAP = { a: '1.safetensors', b: '2.safetensors' };
const FILES: Record<string, Uint8Array> = {
  'index.json': index(MAP),
  '1.safetensors': one('a', 1, '"__metadata__":{"format":"pt","only":"1"},'),
  '2.safetensors': one('b', 2, '"__metadata__":{"format":"other"},'),
};

/** Opens the files as a sharded checkpoint; `open` counts readers that are not closed. */
function openFiles(files: Record<string, Uint8Array>) {
  const state = { open: 0 };
  const reader = (name: string): ByteReader => {
    const bytes = files[name];
    if (bytes === undefined) throw new Error('no such file');
    state.open += 1;
    const close = async () => {
      state.open -= 1;
    };
    return { ...bytesReader(bytes, name), close };
  };
  const store = openShardedSafetensors(reader('index.json'), async (name) => reader(name));
  return { state, store };
}

test('tensors of all shards by name, metadata of all, closed together', async () => {
  const { state, store } = openFiles(FILES);
  const { tensors, metadata, read, close, name } = await store;
  expect(state.open).toBe(2);
  expect(name).toBe('index.json');
  expect([...tensors.keys()]).toEqual(['a', 'b']);
  expect([...metadata]).toEqual([
    ['format', 'pt'],
    ['only', '1'],
  ]);
  expect((await read('a')).data).toEqual(Uint8Array.of(1));
  expect((await read('b')).data).toEqual(Uint8Array.of(2));
  await failure(() => read('c'), 'missing-tensor');
  await close();
  expect(state.open).toBe(0);
});

describe('refused, and every reader closed', () => {
  const without = (name: string) =>
    Object.fromEntries(Object.entries(FILES).filter(([file]) => file !== name));
  test.each<[string, Record<string, Uint8Array>, FormatErrorCode, string[]]>([
    [
      'a missing shard',
      without('2.safetensors'),
      'missing-shard',
      ['index.json', '2.safetensors', 'no such file'],
    ],
    [
      'a shard without the tensor',
      { ...FILES, '2.safetensors': rawFile('{}') },
      'missing-tensor',
      ['tensor "b"', 'shard "2.safetensors"'],
    ],
    [
      'a tensor that the index does not list',
      {
        ...FILES,
        '2.safetensors': rawFile(
          `{${entry('b', 'U8', [1], [0, 1])},${entry('extra', 'U8', [0], [1, 1])}}`,
          1,
        ),
      },
      'unexpected-tensor',
      ['tensor "extra" is in shard "2.safetensors"', 'does not list it'],
    ],
    [
      'a tensor in two shards',
      {
        ...FILES,
        '2.safetensors': rawFile(`{${entry('b', 'U8', [1], [0, 1])},${entry('a', 'U8', [0], [1, 1])}}`, 1),
      },
      'unexpected-tensor',
      ['tensor "a" is in shard "2.safetensors"', 'the index says "1.safetensors"'],
    ],
    [
      'a shard cut off',
      { ...FILES, '1.safetensors': one('a', 1).slice(0, -1) },
      'truncated',
      ['1.safetensors', '"a"'],
    ],
    ['a broken index', { ...FILES, 'index.json': new Uint8Array(3) }, 'json', ['index.json']],
  ])('%s', async (_, files, code, texts) => {
    const { state, store } = openFiles(files);
    const error = await failure(() => store, code);
    for (const text of texts) expect(error.message).toContain(text);
    expect(state.open).toBe(0);
  });

  test('an index that is far too large is not read', async () => {
    const huge: ByteReader = {
      name: 'huge.json',
      size: 1e12,
      read: () => Promise.reject(new Error('was read')),
    };
    const error = await failure(() => openShardedSafetensors(huge, async () => huge), 'header');
    expect(error.message).toContain('huge.json');
  });
});

test('an abort while shards are opened is thrown as it came', async () => {
  const reason = new Error('enough');
  const controller = new AbortController();
  const open = async (): Promise<ByteReader> => {
    controller.abort(reason);
    throw new Error('aborted');
  };
  const { signal } = controller;
  await expect(openShardedSafetensors(bytesReader(index(MAP)), open, { signal })).rejects.toBe(reason);
});

test('fuzz: damage in any of the files', async () => {
  const damaged = fc
    .constantFrom(...Object.keys(FILES))
    .chain((name) => mutatedBytes(FILES[name]!).map((bytes) => ({ ...FILES, [name]: bytes })));
  await fc.assert(
    fc.asyncProperty(damaged, async (files) => {
      const { state, store } = openFiles(files);
      const opened = await successOrFormatError(() => store);
      if (opened === undefined) expect(state.open).toBe(0);
      else for (const name of opened.tensors.keys()) await opened.read(name);
    }),
    { numRuns: 300 },
  );
});
