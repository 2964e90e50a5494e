import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TensorToWrite, writeShardedSafetensors } from '@qsparse/formats';
import { openTensorFolder, replaceFolderAtomic, writeFileAtomic } from '@qsparse/formats/node';
import { expect, test } from 'vitest';
import { failure } from '../helpers/outcome.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const TENSORS: TensorToWrite[] = ['a', 'b', 'c'].map((name, i) => ({
  name,
  dtype: 'f32',
  shape: [2],
  data: Float32Array.of(i, i + 0.5),
}));

async function save(folder: string, maxShardBytes: number): Promise<readonly string[]> {
  const writeFile = (name: string, write: Parameters<typeof writeFileAtomic>[1]) =>
    writeFileAtomic(join(folder, name), write);
  return (await writeShardedSafetensors(writeFile, TENSORS, { maxShardBytes })).files;
}

test.each([
  [1e9, 1],
  [8, 4],
])('a checkpoint with %d bytes a shard takes %d files and comes back', async (maxShardBytes, count) => {
  const folder = join(temporaryFolder(), 'model');
  await replaceFolderAtomic(folder, async (temporary) => {
    expect((await save(temporary, maxShardBytes)).length).toBe(count);
  });
  const store = await openTensorFolder(folder);
  expect([...store.tensors.keys()]).toEqual(['a', 'b', 'c']);
  for (const { name, data } of TENSORS) expect((await store.read(name)).data).toEqual(data);
  await store.close();
  await failure(() => store.read('a'), 'io');
});

test('one file goes before shards', async () => {
  const folder = temporaryFolder();
  await save(folder, 8);
  await save(folder, 1e9);
  const store = await openTensorFolder(folder);
  expect(store.name).toBe(join(folder, 'model.safetensors'));
  await store.close();
});

test('missing files are named', async () => {
  const folder = temporaryFolder();
  const nothing = await failure(() => openTensorFolder(folder), 'io');
  expect(nothing.message).toContain(`${join(folder, 'model.safetensors')}: there is no such file`);
  const files = await save(folder, 8);
  rmSync(join(folder, files[1]!));
  const error = await failure(() => openTensorFolder(folder), 'missing-shard');
  expect(error.message).toContain(files[1]);
  expect(error.message).toContain('there is no such file or folder (ENOENT)');
  writeFileSync(join(folder, files[1]!), 'garbage!');
  await failure(() => openTensorFolder(folder), 'header');
});

test('another base name', async () => {
  const folder = temporaryFolder();
  await writeShardedSafetensors((name, write) => writeFileAtomic(join(folder, name), write), TENSORS, {
    baseName: 'optimizer',
  });
  const store = await openTensorFolder(folder, { baseName: 'optimizer' });
  expect(store.tensors.size).toBe(3);
  await store.close();
});
