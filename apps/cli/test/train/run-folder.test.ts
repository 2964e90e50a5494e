import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileError } from '@qsparse/formats/node';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openFreeRunFolder, openRunFolder, runYamlOf } from '../../src/train/run-folder.ts';
import { RunFolderBusyError, RunFolderError } from '../../src/train/run-lock.ts';
import { temporaryFolder } from '../run-cli.ts';

let root: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  root = temporaryFolder();
});
afterEach(() => root.remove());

const open = (path: string, resume = false) => openRunFolder(path, { resume });
const step = { step: 1, loss: 5, learningRate: 1, gradientNorm: 1, tokensPerSecond: 1, tokens: 1 };

test('a run that took a step stays, one that took none leaves nothing, down to the folders made for it', async () => {
  const path = join(root.path, 'a', 'b', 'run');
  const first = await open(path);
  expect(readdirSync(path)).toEqual(['run.lock']);
  await first.writeSettings('layers: 1\n');
  await first.close();
  expect(existsSync(join(root.path, 'a'))).toBe(false);

  const second = await open(path);
  await second.writeSettings('layers: 1\n');
  await second.metrics.step(step);
  await second.close();
  expect(readdirSync(path).sort()).toEqual(['metrics.jsonl', 'run.yaml']);
});

test('what was there before stays', async () => {
  const path = join(root.path, 'mine');
  mkdirSync(path);
  await (await open(path)).close();
  expect(readdirSync(path)).toEqual([]);
  writeFileSync(join(path, 'notes.txt'), 'mine');
  await (await open(path)).close();
  expect(readdirSync(path)).toEqual(['notes.txt']);
});

test.each(['run.yaml', 'metrics.jsonl', 'checkpoints/step-00000001'])(
  'a folder with %s holds a run',
  async (name) => {
    const path = join(root.path, 'run');
    mkdirSync(join(path, name.includes('/') ? name : ''), { recursive: true });
    if (!name.includes('/')) writeFileSync(join(path, name), '');
    await expect(open(path)).rejects.toThrow(RunFolderError);
    await expect(open(path)).rejects.toThrow(
      `${path} holds a run already; go on with --resume ${path}, or choose another --out`,
    );
    expect(existsSync(join(path, 'run.lock'))).toBe(false);
    expect(existsSync(join(path, name))).toBe(true);
  },
);

test('only a run can be resumed, and closing it keeps everything', async () => {
  const path = join(root.path, 'run');
  expect(() => runYamlOf(path)).toThrow('holds no run.yaml, so there is no run to resume; check the path');
  await expect(open(path, true)).rejects.toThrow(RunFolderError);
  expect(existsSync(path)).toBe(false);
  mkdirSync(path);
  writeFileSync(join(path, 'run.yaml'), 'layers: 1\n');
  await (await open(path, true)).close();
  expect(readdirSync(path)).toEqual(['run.yaml']);
});

test('one run a folder', async () => {
  const path = join(root.path, 'run');
  const first = await open(path);
  await expect(open(path)).rejects.toThrow(RunFolderBusyError);
  await first.writeSettings('layers: 1\n');
  await expect(open(path, true)).rejects.toThrow(RunFolderBusyError);
  await first.close();
});

test('the first free name, also for several at once', async () => {
  const base = join(root.path, 'runs', 'tiny');
  const folders = await Promise.all([1, 2, 3].map(() => openFreeRunFolder(base)));
  expect(folders.map(({ path }) => path).sort()).toEqual([base, `${base}-2`, `${base}-3`]);
  for (const folder of folders) await folder.close();
  expect(readdirSync(join(root.path, 'runs'), { recursive: true })).toEqual([]);
});

test('a file in the way, and a place where nothing can be made, are named', async () => {
  const file = join(root.path, 'file');
  writeFileSync(file, '');
  await expect(open(file)).rejects.toThrow(`[train] ${file}: it exists already (EEXIST)`);
  await expect(open(join(file, 'run'))).rejects.toThrow(FileError);
  await expect(open(join(file, 'run'))).rejects.toThrow('a part of the path is a file');
  if (process.platform === 'linux') await expect(open('/proc/qsparse/run')).rejects.toThrow('ENOENT');
});
