import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { namedFilesOf } from '../src/model-options.ts';
import { cli, temporaryFolder } from './run-cli.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const hub = { revision: undefined, accessToken: undefined, cache: undefined };
const options = { signal: new AbortController().signal, note: () => {} };

test('generate showcase: the installed model writes, with no folder and no network', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new Error('no network')));
  const { code, out } = await cli(
    ...['generate', 'showcase', '--prompt', 'It was a ', '--max-tokens', '4', '--temperature', '0'],
    ...['--device', 'cpu', '--json'],
  );
  vi.unstubAllGlobals();
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ prompt: 'It was a ', tokens: 4, end: 'length' });
});

test('inspect showcase shows its selection; chat says in one line that it cannot talk', async () => {
  const inspected = await cli('inspect', 'showcase', '--json');
  expect(JSON.parse(inspected.out)).toMatchObject({ family: 'qsparse', sparsity: expect.closeTo(0.6, 1) });
  const talked = await cli('chat', 'showcase', '--device', 'cpu');
  expect(talked.code).toBe(1);
  expect(talked.err.trim().split('\n')).toEqual([
    expect.stringMatching(/showcase has no chat template: .*generate showcase --prompt/),
  ]);
});

test('without a model, generate names the one that is installed', async () => {
  const { code, err } = await cli('generate', '--prompt', 'It');
  expect(code).toBe(2);
  expect(err).toContain('showcase is a small model that is installed already');
});

test('a folder of that name comes first; options of the hub are refused', async () => {
  const here = process.cwd();
  mkdirSync(join(folder.path, 'showcase'));
  try {
    process.chdir(folder.path);
    expect(await namedFilesOf('showcase', hub, options)).toBeUndefined();
  } finally {
    process.chdir(here);
  }
  expect((await namedFilesOf('showcase', hub, options))?.name).toBe('showcase');
  await expect(namedFilesOf('showcase', { ...hub, revision: 'main' }, options)).rejects.toThrow('--revision');
});
