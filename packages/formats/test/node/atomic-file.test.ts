import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError, memorySink } from '@qsparse/formats';
import { FileError, recoverFile, writeFileAtomic } from '@qsparse/formats/node';
import { describe, expect, test, vi } from 'vitest';
import { bundleNodeEntry, finished, startChild } from '../helpers/child.ts';
import { failure } from '../helpers/outcome.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const bundle = await bundleNodeEntry();
const encode = (text: string) => new TextEncoder().encode(text);

/** A folder with one old file. */
function oldFile() {
  const folder = temporaryFolder();
  const path = join(folder, 'model.bin');
  writeFileSync(path, 'old');
  return { folder, path };
}

/** Lets every write of a file handle fail like a full disk, once `bytes` bytes were written. */
async function fillDiskAfter(bytes: number): Promise<void> {
  const handle = await open(process.execPath);
  const prototype = Object.getPrototypeOf(handle) as typeof handle;
  await handle.close();
  const original = prototype.write;
  let left = bytes;
  vi.spyOn(prototype, 'write').mockImplementation(function (this: typeof handle, ...args: unknown[]) {
    left -= args[2] as number;
    if (left >= 0) return Reflect.apply(original, this, args);
    return Promise.reject(
      Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }),
    );
  } as never);
}

test('new and replaced files: text, bytes, pieces in order', async () => {
  const { folder, path } = oldFile();
  await writeFileAtomic(path, 'new');
  expect(readFileSync(path, 'utf8')).toBe('new');
  await writeFileAtomic(path, Uint8Array.of(1, 2));
  expect([...readFileSync(path)]).toEqual([1, 2]);
  await writeFileAtomic(join(folder, 'second'), async (sink) => {
    // Not awaited one by one: the order holds all the same, and the end waits for all.
    void sink.write(encode('a'));
    void sink.write(encode('b'.repeat(100_000)));
    void sink.write(encode('c'));
  });
  expect(readFileSync(join(folder, 'second'), 'utf8')).toBe(`a${'b'.repeat(100_000)}c`);
  await writeFileAtomic(join(folder, 'empty'), async () => {});
  expect(statSync(join(folder, 'empty')).size).toBe(0);
  expect(readdirSync(folder).sort()).toEqual(['empty', 'model.bin', 'second']);
});

test('rights are kept, a link stays and its goal is replaced', async () => {
  const { folder, path } = oldFile();
  chmodSync(path, 0o640);
  const link = join(folder, 'link');
  symlinkSync('model.bin', link);
  await writeFileAtomic(link, 'new');
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(statSync(path).mode & 0o777).toBe(0o640);
  expect(readdirSync(folder).sort()).toEqual(['link', 'model.bin']);
});

test('the old file is there until the new one is complete', async () => {
  const { folder, path } = oldFile();
  await writeFileAtomic(path, async (sink) => {
    await sink.write(encode('new'));
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder).length).toBe(2);
  });
  expect(readFileSync(path, 'utf8')).toBe('new');
});

test('names of the greatest length', async () => {
  const path = join(temporaryFolder(), 'é'.repeat(127));
  await writeFileAtomic(path, 'new');
  expect(readFileSync(path, 'utf8')).toBe('new');
  const error = await failure(() => writeFileAtomic(`${path}éé`, 'new'), 'io');
  expect((error as FileError).systemCode).toBe('ENAMETOOLONG');
});

describe('a failure leaves the old file and nothing else', () => {
  async function expectOld(folder: string, path: string, write: Promise<void>): Promise<unknown> {
    const error = await write.catch((caught: unknown) => caught);
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['model.bin']);
    return error;
  }

  test.each([0, 2, 40])('a disk that is full after %d bytes', async (bytes) => {
    const { folder, path } = oldFile();
    await fillDiskAfter(bytes);
    const write = writeFileAtomic(path, async (sink) => {
      for (let i = 0; i < 10; i++) await sink.write(new Uint8Array(5));
    });
    const error = await expectOld(folder, path, write);
    expect(error).toBeInstanceOf(FileError);
    expect(error).toBeInstanceOf(FormatError);
    expect(error).toMatchObject({ code: 'io', systemCode: 'ENOSPC', path });
    expect((error as Error).message).toBe(
      `[write] ${path}: the disk is full (ENOSPC), the old file is unchanged; free some space or choose another disk`,
    );
    vi.restoreAllMocks();
  });

  test('a full disk is not lost when nobody awaits the write', async () => {
    const { folder, path } = oldFile();
    await fillDiskAfter(0);
    const write = writeFileAtomic(path, async (sink) => void sink.write(new Uint8Array(5)));
    expect(await expectOld(folder, path, write)).toMatchObject({ systemCode: 'ENOSPC' });
    vi.restoreAllMocks();
  });

  test("the caller's own error comes through as it is", async () => {
    const { folder, path } = oldFile();
    const own = new Error('mine');
    const write = writeFileAtomic(path, async (sink) => {
      await sink.write(encode('half'));
      throw own;
    });
    expect(await expectOld(folder, path, write)).toBe(own);
  });

  test('an abort, before and in between', async () => {
    const { folder, path } = oldFile();
    const reason = new Error('enough');
    const before = writeFileAtomic(path, 'new', { signal: AbortSignal.abort(reason) });
    expect(await expectOld(folder, path, before)).toBe(reason);
    const controller = new AbortController();
    const between = writeFileAtomic(path, async () => controller.abort(reason), {
      signal: controller.signal,
    });
    expect(await expectOld(folder, path, between)).toBe(reason);
  });

  test('a file of another name that the caller failed to read is named itself', async () => {
    const { folder, path } = oldFile();
    const missing = join(folder, 'missing');
    const write = writeFileAtomic(path, async () => void readFileSync(missing));
    expect(await expectOld(folder, path, write)).toMatchObject({ systemCode: 'ENOENT', path: missing });
  });
});

test('wrong targets are refused before anything is written', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'sub'));
  writeFileSync(join(folder, 'file'), '');
  const cases: [string, string][] = [
    [join(folder, 'sub'), 'EISDIR'],
    [join(folder, 'missing', 'x'), 'ENOENT'],
    [join(folder, 'file', 'x'), 'ENOTDIR'],
  ];
  if (existsSync('/dev/null')) cases.push(['/dev/null', 'EINVAL']);
  for (const [path, systemCode] of cases) {
    expect(await failure(() => writeFileAtomic(path, 'x'), 'io')).toMatchObject({ systemCode });
  }
  expect(readdirSync(folder).sort()).toEqual(['file', 'sub']);
});

test('nothing can be written after the end', async () => {
  const path = join(temporaryFolder(), 'x');
  let late = memorySink() as { write(bytes: Uint8Array): Promise<void> };
  await writeFileAtomic(path, async (sink) => {
    late = sink;
  });
  await failure(() => late.write(Uint8Array.of(1)), 'io');
});

describe.skipIf(process.platform === 'win32')('in processes of their own', () => {
  test('killed before each call of the file system: old or new, never between; leftovers are recovered', async () => {
    const reference = oldFile();
    const whole = await finished(startChild({ bundle, task: 'write-file', target: reference.path }));
    const calls = Number(whole.output);
    expect(calls).toBeGreaterThan(8);
    const contents: string[] = [];
    await Promise.all(
      Array.from({ length: calls }, async (_, index) => {
        const { folder, path } = oldFile();
        const child = startChild({ bundle, task: 'write-file', target: path, killAt: index + 1 });
        expect((await finished(child)).signal).toBe('SIGKILL');
        contents[index] = readFileSync(path, 'utf8');
        await recoverFile(path);
        expect(readdirSync(folder)).toEqual(['model.bin']);
      }),
    );
    // Old for a while, then new for good.
    expect(new Set(contents)).toEqual(new Set(['old', 'new\n'.repeat(3000)]));
    expect(contents.lastIndexOf('old')).toBeLessThan(contents.indexOf('new\n'.repeat(3000)));
  });

  test('no rights: one clear line, nothing changed', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'folder'));
    for (const name of ['file.txt', 'folder/old.txt']) writeFileSync(join(folder, name), 'old');
    chmodSync(folder, 0o555);
    const { output } = await finished(
      startChild({ bundle, task: 'try-write', target: folder, withoutRights: true }),
    );
    chmodSync(folder, 0o755);
    const errors = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(errors).toMatchObject([
      { name: 'FileError', systemCode: 'EACCES' },
      { name: 'FileError', systemCode: 'EACCES' },
    ]);
    expect(errors[0].message).toBe(
      `[write] ${folder}/file.txt: permission denied (EACCES), the old file is unchanged; ` +
        'change the rights or choose another folder',
    );
    expect(errors[1].message).toContain(
      `${folder}/folder: permission denied (EACCES), the old folder is unchanged`,
    );
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(['file.txt', 'folder', 'folder/old.txt']);
  });

  test('a real limit in the middle of a file', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'folder'));
    for (const name of ['file.txt', 'folder/old.txt']) writeFileSync(join(folder, name), 'old');
    const { output } = await finished(
      startChild({ bundle, task: 'try-write', target: folder, fileBlocks: 50 }),
    );
    const errors = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(errors).toMatchObject([{ systemCode: 'EFBIG' }, { systemCode: 'EFBIG' }]);
    expect(readFileSync(join(folder, 'file.txt'), 'utf8')).toBe('old');
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(['file.txt', 'folder', 'folder/old.txt']);
  });
});

test('recovery removes only what belongs to the file', async () => {
  const { folder, path } = oldFile();
  const kept = [
    '.model.bin.partial',
    '.model.binx.0123456789ab.partial',
    'model.bin.0123456789ab.partial',
    '.model.bin.0123456789AB.partial',
  ];
  for (const name of [...kept, '.model.bin.0123456789ab.partial']) writeFileSync(join(folder, name), '');
  expect(await recoverFile(path)).toBe(1);
  expect(await recoverFile(path)).toBe(0);
  expect(readdirSync(folder).sort()).toEqual([...kept, 'model.bin'].sort());
  await failure(() => recoverFile(join(folder, 'missing', 'x')), 'io');
});
