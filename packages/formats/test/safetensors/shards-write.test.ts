import {
  bytesReader,
  memorySink,
  openSafetensors,
  openShardedSafetensors,
  type ShardOptions,
  type TensorToWrite,
  type WriteFile,
  writeShardedSafetensors,
} from '@qsparse/formats';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rawBytes, tensorSet } from '../helpers/arbitrary-tensors.ts';
import { failure } from '../helpers/outcome.ts';

async function write(tensors: Iterable<TensorToWrite>, options?: ShardOptions) {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const writeFile: WriteFile = async (name, fill) => {
    const sink = memorySink();
    await fill(sink);
    files.set(name, sink.bytes());
  };
  return { files, written: await writeShardedSafetensors(writeFile, tensors, options) };
}

const bytes = (name: string, length: number): TensorToWrite => ({
  name,
  dtype: 'u8',
  shape: [length],
  data: () => new Uint8Array(length),
});

test('what fits in one file is one file without an index', async () => {
  const { files, written } = await write([bytes('a', 5), bytes('b', 5)], { maxShardBytes: 10 });
  expect([...files.keys()]).toEqual(['model.safetensors']);
  expect(written).toEqual({ files: ['model.safetensors'], dataBytes: 10 });
  expect([...(await write([])).files.keys()]).toEqual(['model.safetensors']);
});

test('what does not fit is divided in order, the index comes last', async () => {
  const tensors = [bytes('c', 6), bytes('a', 4), bytes('b', 1), bytes('huge', 50), bytes('z', 2)];
  const { files, written } = await write(tensors, {
    maxShardBytes: 10,
    baseName: 'x',
    metadata: { format: 'pt' },
  });
  const shard = (number: number) => `x-0000${number}-of-00004.safetensors`;
  expect(written.files).toEqual([shard(1), shard(2), shard(3), shard(4), 'x.safetensors.index.json']);
  expect([...files.keys()]).toEqual(written.files);
  expect(JSON.parse(new TextDecoder().decode(files.get('x.safetensors.index.json')))).toEqual({
    metadata: { total_size: 63 },
    weight_map: { a: shard(1), b: shard(2), c: shard(1), huge: shard(3), z: shard(4) },
  });
  const first = await openSafetensors(bytesReader(files.get(shard(1))!));
  expect(first.metadata.get('format')).toBe('pt');
});

test('round trip through any number of shards', async () => {
  await fc.assert(
    fc.asyncProperty(tensorSet, fc.integer({ min: 1, max: 600 }), async (tensors, maxShardBytes) => {
      const { files } = await write(tensors, { maxShardBytes });
      const open = (name: string) => bytesReader(files.get(name)!, name);
      const store =
        files.size === 1
          ? await openSafetensors(open('model.safetensors'))
          : await openShardedSafetensors(open('model.safetensors.index.json'), async (name) => open(name));
      expect(store.tensors.size).toBe(tensors.length);
      for (const { name, shape, data } of tensors) {
        const tensor = await store.read(name);
        expect(tensor.shape).toEqual(shape);
        expect(rawBytes(tensor.data)).toEqual(rawBytes(data));
      }
      for (const [name, file] of files) {
        if (!name.endsWith('.safetensors')) continue;
        const { tensors: inside } = await openSafetensors(bytesReader(file));
        const dataBytes = [...inside.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
        if (inside.size > 1) expect(dataBytes).toBeLessThanOrEqual(maxShardBytes);
      }
    }),
    { numRuns: 60 },
  );
});

test('mistakes are found before the first file', async () => {
  const two = [bytes('a', 1), bytes('a', 1)];
  await failure(() => write(two, { maxShardBytes: 1 }), 'duplicate-key');
  await failure(() => write([bytes('a', -1)]), 'shape');
  for (const maxShardBytes of [0, -1, Number.NaN]) await failure(() => write([], { maxShardBytes }), 'value');
  for (const baseName of ['', '../x', 'a/b', 'a\\b', 'c:x', 'a\n'])
    await failure(() => write([], { baseName }), 'value');
});

test('a failing file stops the rest, so that no index is written', async () => {
  const names: string[] = [];
  const full = new Error('disk full');
  const writeFile: WriteFile = async (name) => {
    names.push(name);
    if (names.length === 2) throw full;
  };
  const tensors = [bytes('a', 1), bytes('b', 1), bytes('c', 1)];
  await expect(writeShardedSafetensors(writeFile, tensors, { maxShardBytes: 1 })).rejects.toBe(full);
  expect(names).toEqual(['model-00001-of-00003.safetensors', 'model-00002-of-00003.safetensors']);
});
