import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { referenceDevice } from '@qsparse/core/reference';
import { afterAll, expect, test, vi } from 'vitest';
import { modelFlags, namedFilesOf, openModel } from '../src/model-options.ts';
import { cli, temporaryFolder } from './run-cli.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const COMMIT = 'f'.repeat(40);
const STORIES = fileURLToPath(
  new URL('../../../packages/models/test/fixtures/stories260k/stories260K.bin', import.meta.url),
);
const flagsOf = (flags: Record<string, string>) => modelFlags('generate', { positionals: [], flags });
const options = { signal: new AbortController().signal, note: () => {} };
const OFFLINE = { revision: COMMIT, accessToken: undefined, cache: folder.path };

/** A model as a download of it lies on disk. */
async function downloaded(name: string): Promise<void> {
  const path = join(folder.path, `models--${name.replace('/', '--')}`, 'snapshots', COMMIT);
  mkdirSync(dirname(path), { recursive: true });
  expect((await cli('convert', STORIES, path)).code).toBe(0);
}

test('owner/name of a commit that was downloaded, with a shorter context', async () => {
  await downloaded('owner/stories');
  const flags = flagsOf({ revision: COMMIT, cache: folder.path, 'context-length': '64' });
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('', { status: 404 })));
  const { model, folder: name } = await openModel('owner/stories', referenceDevice(), flags, options);
  vi.unstubAllGlobals();
  expect(name).toBe(`owner/stories@${COMMIT}`);
  expect(model.config.contextLength).toBe(64);
  model.dispose();
});

test('a model that leaves inputs out is packed, unless dense decoding is asked for', async () => {
  const path = join(folder.path, 'sparse');
  expect((await cli('convert', STORIES, path, '--sparsity', '0.5')).code).toBe(0);
  const device = referenceDevice();
  const packed = async (from: string, flags: Record<string, string | true> = {}) => {
    const args = { positionals: [], flags };
    const { model } = await openModel(from, device, modelFlags('generate', args), options);
    const has = model.packed !== undefined;
    model.dispose();
    return has;
  };
  expect(await packed(path)).toBe(true);
  expect(await packed(path, { 'dense-decode': true })).toBe(false);
  expect(device.memory().count).toBe(0);
});

test('and it is converted and exported like a folder', async () => {
  const out = join(folder.path, 'converted');
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('', { status: 404 })));
  const hub = ['--revision', COMMIT, '--cache', folder.path];
  const converted = await cli('convert', 'owner/stories', out, '--sparsity', '0.5', ...hub);
  const exported = await cli('export', 'owner/stories', `${out}.gguf`, '--format', 'gguf', ...hub);
  vi.unstubAllGlobals();
  expect(converted).toMatchObject({ code: 0, err: '' });
  expect(exported).toMatchObject({ code: 0, err: '' });
  expect(existsSync(join(out, 'tokenizer.json'))).toBe(true);
});

test('the token comes from its option, else from the environment', () => {
  vi.stubEnv('HF_TOKEN', 'hf_environment');
  expect(flagsOf({}).accessToken).toBe('hf_environment');
  expect(flagsOf({ 'hub-token': 'hf_option' }).accessToken).toBe('hf_option');
  vi.stubEnv('HF_TOKEN', '');
  expect(flagsOf({}).accessToken).toBeUndefined();
  vi.unstubAllEnvs();
});

test('what is on this disk is no name on the hub; a name that is not there is said to be looked for', async () => {
  expect(await namedFilesOf(STORIES, { ...OFFLINE, revision: undefined, cache: undefined }, options)).toBe(
    undefined,
  );
  await expect(namedFilesOf(STORIES, OFFLINE, options)).rejects.toThrow(
    '--revision is for models on the hub',
  );
  await expect(namedFilesOf(STORIES, { ...OFFLINE, revision: undefined }, options)).rejects.toThrow(
    '--cache',
  );
  const said: string[] = [];
  const offline = { ...OFFLINE, revision: 'main' };
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('fetch failed')));
  await expect(
    namedFilesOf('owner/none', offline, { ...options, note: (line) => void said.push(line) }),
  ).rejects.toThrow(/^\[hub\] owner\/none@main: fetch failed/);
  vi.unstubAllGlobals();
  expect(said).toEqual(['there is no folder owner/none here, so it was looked for on the Hugging Face Hub']);
});

test.each([
  [['--context-length', '0'], 2, '--context-length must be a whole number of at least 1'],
  [['--context-length', '513'], 1, 'contextLength must be a whole number from 1 to 512, got 513'],
  [['--cache', ''], 2, '--cache takes a text that is not empty'],
])('%j is refused', async (argv, code, message) => {
  const path = join(folder.path, 'stories.gguf');
  if (!existsSync(path)) await cli('export', STORIES, path, '--format', 'gguf');
  const ended = await cli('generate', path, '--prompt', 'x', '--device', 'reference', ...argv);
  expect(ended).toMatchObject({ code, err: expect.stringContaining(message) });
});
