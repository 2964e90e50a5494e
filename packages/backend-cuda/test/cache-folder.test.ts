/** Where compiled kernels are kept: the first of the variables that is set. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { defaultCacheFolder } from '../src/cache-folder.ts';

const NAMES = ['QSPARSE_CACHE', 'XDG_CACHE_HOME', 'LOCALAPPDATA'] as const;
const before = NAMES.map((name) => [name, process.env[name]] as const);
const set = (values: Readonly<Record<string, string | undefined>>): void => {
  for (const name of NAMES) {
    const value = values[name];
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
};
afterEach(() => set(Object.fromEntries(before)));

test.each([
  [{ QSPARSE_CACHE: '/own', XDG_CACHE_HOME: '/xdg' }, join('/own', 'cuda')],
  [{ QSPARSE_CACHE: '', XDG_CACHE_HOME: '/xdg' }, ''],
  [{ XDG_CACHE_HOME: '/xdg', LOCALAPPDATA: '/local' }, join('/xdg', 'qsparse', 'cuda')],
  [{ XDG_CACHE_HOME: '', LOCALAPPDATA: '/local' }, join('/local', 'qsparse', 'cuda')],
  [{}, join(homedir(), '.cache', 'qsparse', 'cuda')],
])('%o', (values, folder) => {
  set(values);
  expect(defaultCacheFolder()).toBe(folder);
});
