import { spawnSync } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FileError, openFileReader, readFileBytes } from '@qsparse/formats/node';
import { expect, test } from 'vitest';
import { failure } from '../helpers/outcome.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

function file(bytes: number): string {
  const path = join(temporaryFolder(), 'x.bin');
  writeFileSync(
    path,
    Uint8Array.from({ length: bytes }, (_, i) => i % 256),
  );
  return path;
}

test('size, ranges, and nothing after closing', async () => {
  const path = file(1000);
  const reader = await openFileReader(path);
  expect(reader.size).toBe(1000);
  expect(reader.name).toBe(path);
  expect(await reader.read(254, 4)).toEqual(Uint8Array.of(254, 255, 0, 1));
  expect(await reader.read(1000, 0)).toEqual(new Uint8Array());
  for (const [offset, length] of [
    [0, 1001],
    [-1, 1],
    [0.5, 1],
  ] as const) {
    await failure(() => reader.read(offset, length), 'range');
  }
  const [a, b] = await Promise.all([reader.read(0, 500), reader.read(500, 500)]);
  expect(a[499]).toBe(499 % 256);
  expect(b[0]).toBe(500 % 256);
  const reason = new Error('enough');
  await expect(reader.read(0, 1, AbortSignal.abort(reason))).rejects.toBe(reason);
  await reader.close();
  await failure(() => reader.read(0, 1), 'io');
});

test('a file that is cut while it is open', async () => {
  const path = file(1000);
  const reader = await openFileReader(path);
  truncateSync(path, 300);
  const error = await failure(() => reader.read(200, 200), 'truncated');
  expect(error.message).toContain('the file ended at byte 300');
  await reader.close();
});

test('a claim that fits a sparse file but no memory', async () => {
  const path = file(0);
  truncateSync(path, 2 ** 42);
  const reader = await openFileReader(path);
  await failure(() => reader.read(0, 2 ** 42), 'memory');
  await reader.close();
});

test('what is no regular file', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'sub'));
  const cases: [string, string][] = [
    [join(folder, 'missing'), 'ENOENT'],
    [join(folder, 'sub'), 'EISDIR'],
    [join(file(1), 'x'), 'ENOTDIR'],
  ];
  if (process.platform !== 'win32') {
    // Opening a pipe without a writer would wait for ever.
    spawnSync('sh', ['-c', 'mkfifo "$1"', 'sh', join(folder, 'pipe')]);
    cases.push([join(folder, 'pipe'), 'EINVAL']);
  }
  for (const [path, code] of cases) {
    const error = await failure(() => openFileReader(path), 'io');
    expect((error as FileError).systemCode).toBe(code);
    expect(error.message).toContain(path);
  }
});

test('small files as a whole, with a limit', async () => {
  const path = file(300);
  expect((await readFileBytes(path)).length).toBe(300);
  const error = await failure(() => readFileBytes(path, 299), 'range');
  expect(error.message).toContain('at most 299 bytes are expected, it has 300');
});
