import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FileError, recoverFile, recoverFolder, replaceFolderAtomic } from '@qsparse/formats/node';
import { describe, expect, test, vi } from 'vitest';
import { bundleNodeEntry, finished, startChild } from '../helpers/child.ts';
import { failure } from '../helpers/outcome.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const bundle = await bundleNodeEntry();

/** A path for a folder with two files of the given content; null makes no folder. */
function target(content: string | null = 'old'): string {
  const path = join(temporaryFolder(), 'checkpoint');
  if (content !== null) makeFolder(path, content);
  return path;
}

function makeFolder(path: string, content: string): void {
  mkdirSync(path);
  for (const name of ['a', 'b']) writeFileSync(join(path, name), content);
}

/** The content that both files have, or why not. */
function contentOf(path: string): string {
  if (!existsSync(path)) return 'missing';
  const [a, b, ...rest] = readdirSync(path).sort();
  if (a !== 'a' || b !== 'b' || rest.length > 0) return `files ${[a, b, ...rest]}`;
  const contents = [a, b].map((name) => readFileSync(join(path, name), 'utf8'));
  return contents[0] === contents[1] ? contents[0]! : 'mixed';
}

const beside = (path: string) => readdirSync(dirname(path)).filter((name) => name !== basename(path));
const fill = (content: string) => async (folder: string) => {
  for (const name of ['a', 'b']) await writeFile(join(folder, name), content);
};

test('a new folder, and one in place of an old one with other files', async () => {
  const path = target(null);
  await replaceFolderAtomic(path, fill('first'));
  expect(contentOf(path)).toBe('first');
  writeFileSync(join(path, 'only in the old one'), '');
  await replaceFolderAtomic(path, fill('second'));
  expect(contentOf(path)).toBe('second');
  expect(beside(path)).toEqual([]);
});

test('the old folder is there and whole while the new one is filled', async () => {
  const path = target();
  await replaceFolderAtomic(path, async (folder) => {
    expect(readdirSync(folder)).toEqual([]);
    expect(dirname(folder)).toBe(dirname(path));
    await fill('new')(folder);
    expect(contentOf(path)).toBe('old');
  });
  expect(contentOf(path)).toBe('new');
});

test('a link stays, and is followed also when a crash left its goal missing', async () => {
  const path = target();
  const link = join(temporaryFolder(), 'latest');
  symlinkSync(path, link);
  await replaceFolderAtomic(link, fill('new'));
  expect(contentOf(path)).toBe('new');
  renameSync(path, join(dirname(path), '.checkpoint.previous'));
  expect(await recoverFolder(link)).toBe(true);
  expect(contentOf(link)).toBe('new');
  expect([...beside(path), ...beside(link)]).toEqual([]);
});

describe('a failure leaves the old folder and nothing else', () => {
  async function expectOld(path: string, replace: Promise<void>): Promise<unknown> {
    const error = await replace.catch((caught: unknown) => caught);
    expect(contentOf(path)).toBe('old');
    expect(beside(path)).toEqual([]);
    return error;
  }

  test("the caller's own error, and an abort", async () => {
    const path = target();
    const own = new Error('mine');
    const failing = replaceFolderAtomic(path, async (folder) => {
      await fill('half')(folder);
      throw own;
    });
    expect(await expectOld(path, failing)).toBe(own);
    const signal = AbortSignal.abort(own);
    expect(await expectOld(path, replaceFolderAtomic(path, fill('new'), { signal }))).toBe(own);
    const controller = new AbortController();
    const aborting = async () => controller.abort(own);
    expect(await expectOld(path, replaceFolderAtomic(path, aborting, controller))).toBe(own);
  });

  test('a full disk becomes one clear line', async () => {
    const path = target();
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const error = await expectOld(
      path,
      replaceFolderAtomic(path, () => Promise.reject(full)),
    );
    expect(error).toBeInstanceOf(FileError);
    expect((error as Error).message).toBe(
      `[write] ${path}: the disk is full (ENOSPC), the old folder is unchanged; free some space or choose another disk`,
    );
  });

  test('a target that cannot be replaced', async () => {
    const path = join(temporaryFolder(), 'file');
    writeFileSync(path, 'old');
    const untouched = vi.fn(async () => {});
    const error = await failure(() => replaceFolderAtomic(path, untouched), 'io');
    expect(error.message).toContain('a folder is required, it is a file');
    expect(untouched).not.toHaveBeenCalled();
    expect(readFileSync(path, 'utf8')).toBe('old');
    const nowhere = await failure(() => replaceFolderAtomic(join(path, 'x'), untouched), 'io');
    expect(nowhere).toMatchObject({ systemCode: 'ENOTDIR' });
    const missing = join(temporaryFolder(), 'missing', 'x');
    expect(await failure(() => replaceFolderAtomic(missing, untouched))).toMatchObject({
      systemCode: 'ENOENT',
    });
  });
});

describe('recovery from every state that a crash can leave', () => {
  // What stands beside the target, what the target holds, and what it must hold afterwards.
  const states: [string, Record<string, string>, string | null, string][] = [
    ['nothing happened', {}, 'old', 'old'],
    ['nothing ever existed', {}, null, 'missing'],
    ['while filling', { partial: 'half' }, 'old', 'old'],
    ['while filling the first one', { partial: 'half' }, null, 'missing'],
    ['filled and synced', { ready: 'new' }, 'old', 'new'],
    ['filled and synced the first one', { ready: 'new' }, null, 'new'],
    ['between the renames', { ready: 'new', previous: 'old' }, null, 'new'],
    ['after the swap', { previous: 'old' }, 'new', 'new'],
    ['after the swap, and the next one ready', { ready: 'newer', previous: 'old' }, 'new', 'newer'],
    ['while deleting', { trash: 'rest' }, 'new', 'new'],
    ['target lost in a power cut', { previous: 'old' }, null, 'old'],
    ['while filling after all of that', { partial: 'half', previous: 'old', trash: 'rest' }, 'new', 'new'],
  ];

  function arrange(others: Record<string, string>, content: string | null): string {
    const path = target(content);
    for (const [kind, text] of Object.entries(others))
      makeFolder(join(dirname(path), `.checkpoint.${kind}`), text);
    return path;
  }

  test.each(states)('%s', async (_, others, content, expected) => {
    const path = arrange(others, content);
    expect(await recoverFolder(path)).toBe(expected !== 'missing');
    expect(contentOf(path)).toBe(expected);
    expect(beside(path)).toEqual([]);
    expect(await recoverFolder(path)).toBe(expected !== 'missing');
    expect(contentOf(path)).toBe(expected);
  });

  test.each(states)('%s, and the next replacement', async (_, others, content) => {
    const path = arrange(others, content);
    await replaceFolderAtomic(path, fill('next'));
    expect(contentOf(path)).toBe('next');
    expect(beside(path)).toEqual([]);
  });

  test('a half deleted old folder is never brought back', async () => {
    const path = arrange({ trash: 'rest' }, 'new');
    rmSync(path, { recursive: true });
    expect(await recoverFolder(path)).toBe(false);
  });

  test('a file in the way is named', async () => {
    const path = arrange({}, 'old');
    writeFileSync(join(dirname(path), '.checkpoint.ready'), '');
    const error = await failure(() => recoverFolder(path), 'io');
    expect(error.message).toContain('.checkpoint.ready: a folder is required');
    expect(contentOf(path)).toBe('old');
  });
});

describe.skipIf(process.platform === 'win32')('in processes of their own', () => {
  /** The version that all files of the child's folder hold. */
  function versionOf(path: string): string {
    const texts = ['a.txt', 'b.txt', 'inner/c.txt'].map((name) => readFileSync(join(path, name), 'utf8'));
    const version = texts[0]!.slice(0, texts[0]!.indexOf('\n'));
    for (const text of texts) expect(text).toBe(`${version}\n`.repeat(20_000));
    return version;
  }

  test('killed before each call of the file system', async () => {
    const calls = Number(
      (await finished(startChild({ bundle, task: 'replace-folder', target: target() }))).output,
    );
    expect(calls).toBeGreaterThan(15);
    const results: string[] = [];
    const attempt = async (index: number) => {
      const path = target();
      const { signal } = await finished(
        startChild({ bundle, task: 'replace-folder', target: path, killAt: index + 1 }),
      );
      expect(signal).toBe('SIGKILL');
      expect(await recoverFolder(path)).toBe(true);
      results[index] = existsSync(join(path, 'a.txt')) ? versionOf(path) : contentOf(path);
      expect(beside(path)).toEqual([]);
    };
    await Promise.all(Array.from({ length: calls }, (_, index) => attempt(index)));
    // Old for a while, then new for good.
    const firstNew = results.indexOf('new');
    expect(firstNew).toBeGreaterThan(0);
    expect(results).toEqual(results.map((_, index) => (index < firstNew ? 'old' : 'new')));
  });

  test('each call of the file system fails once: what the message says is true, and recovery brings order', async () => {
    const parent = temporaryFolder();
    const { output } = await finished(startChild({ bundle, task: 'fail-everywhere', target: parent }));
    const rounds = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rounds.length).toBeGreaterThan(15);
    const seen = new Set<string>();
    for (const [index, { folder, file }] of rounds.entries()) {
      const path = join(parent, String(index + 1), 'folder');
      const whole = () =>
        readdirSync(path).length === 1 ? readFileSync(join(path, 'a.txt'), 'utf8') : versionOf(path);
      if (folder.message === undefined) expect(whole()).toBe('new');
      else {
        expect(folder.name).toBe('FileError');
        const claim = /the (old folder is unchanged|new folder is in its place)/.exec(folder.message)?.[1];
        expect(`${claim}: ${whole()}`).toMatch(/^(old.*: old|new.*: new)$/);
        seen.add(claim ?? '');
      }
      const before = whole();
      expect(await recoverFolder(path)).toBe(true);
      expect(whole()).toBe(before);
      if (file?.message !== undefined) {
        const content = readFileSync(join(parent, String(index + 1), 'file'), 'utf8');
        const claim = /the (old file is unchanged|file is new)/.exec(file.message)?.[1];
        expect(`${claim}: ${content}`).toMatch(/^(old.*: old|file is new: new)$/);
      }
      await recoverFile(join(parent, String(index + 1), 'file'));
      expect(beside(path)).toEqual(['file']);
    }
    expect(seen.size).toBe(2);
  });

  test('killed at random moments: the last version that was reported, or a later one', async () => {
    const kill = async () => {
      const path = target(null);
      const child = startChild({ bundle, task: 'replace-forever', target: path });
      const ended = finished(child);
      await new Promise((resolve) => child.stdout?.once('data', resolve));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 100));
      child.kill('SIGKILL');
      const reported = Number((await ended).output.trim().split('\n').at(-1));
      expect(await recoverFolder(path)).toBe(true);
      const version = Number(versionOf(path));
      expect(version === reported || version === reported + 1).toBe(true);
      await recoverFile(`${path}.txt`);
      const text = readFileSync(`${path}.txt`, 'utf8');
      const fileVersion = Number(text.slice(0, text.indexOf('\n')));
      expect(fileVersion === reported || fileVersion === reported + 1).toBe(true);
      expect(text).toBe(`${fileVersion}\n`.repeat(20_000));
      expect(beside(path)).toEqual(['checkpoint.txt']);
    };
    for (let round = 0; round < 4; round++) await Promise.all([kill(), kill()]);
  });
});
