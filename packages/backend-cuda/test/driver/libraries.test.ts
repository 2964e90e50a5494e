/** Where libraries are looked for, in which order, and how what is broken differs from what is not there. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { LIBRARIES, openLibrary } from '../../src/driver/libraries.ts';
import { emulatorPath, missing } from '../emulated-device.ts';

const root = mkdtempSync(join(tmpdir(), 'qsparse-libraries-'));
afterAll(() => rmSync(root, { recursive: true }));
const NAMES = ['QSPARSE_LIBNVRTC', 'CUDA_HOME', 'CUDA_PATH', 'VIRTUAL_ENV', 'CONDA_PREFIX'] as const;
const before = NAMES.map((name) => [name, process.env[name]] as const);
const set = (values: Readonly<Record<string, string | undefined>>): void => {
  for (const name of NAMES) {
    const value = values[name];
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
};
afterEach(() => set(Object.fromEntries(before)));

const [FILE] = LIBRARIES.nvrtc.files;
/** A folder with a library, or what is not one, at the given place. */
function installed(name: string, below: string, content: 'library' | 'text'): string {
  const folder = join(root, name);
  mkdirSync(join(folder, below), { recursive: true });
  const file = join(folder, below, FILE!);
  if (content === 'library') copyFileSync(emulatorPath(), file);
  else writeFileSync(file, 'not a library');
  return folder;
}
const elsewhere = 'path' in openLibrary('nvrtc', undefined);
const WHEEL = 'lib/python3.12/site-packages/nvidia/cu13/lib';

describe.skipIf(missing !== undefined || elsewhere)('a search (on a machine without NVRTC)', () => {
  test('finds a toolkit, then a wheel of a virtual environment', () => {
    const toolkit = installed('toolkit', 'lib64', 'library');
    const environment = installed('environment', WHEEL, 'library');
    set({ VIRTUAL_ENV: environment });
    expect(openLibrary('nvrtc', undefined)).toMatchObject({ path: join(environment, WHEEL, FILE!) });
    set({ VIRTUAL_ENV: environment, CUDA_HOME: toolkit });
    expect(openLibrary('nvrtc', undefined)).toMatchObject({ path: join(toolkit, 'lib64', FILE!) });
    // What is named is the only one that is tried.
    set({ CUDA_HOME: toolkit, QSPARSE_LIBNVRTC: '/nowhere.so' });
    expect(openLibrary('nvrtc', undefined)).toMatchObject({ broken: true });
    expect(openLibrary('nvrtc', join(toolkit, 'lib64', FILE!))).toHaveProperty('library');
  });

  test('passes over what cannot be loaded, and names it where nothing else is there', () => {
    const broken = installed('broken', 'lib64', 'text');
    set({ CUDA_HOME: broken });
    const found = openLibrary('nvrtc', undefined);
    expect(found).toMatchObject({ broken: true, missing: expect.stringContaining(join(broken, 'lib64')) });
    const environment = installed('whole', WHEEL, 'library');
    set({ CUDA_HOME: broken, VIRTUAL_ENV: environment });
    expect(openLibrary('nvrtc', undefined)).toMatchObject({ path: join(environment, WHEEL, FILE!) });
  });

  test('that finds nothing says where it looked', () => {
    set({});
    expect(openLibrary('nvrtc', undefined)).toEqual({
      missing: expect.stringMatching(
        /^libnvrtc\S+ and .* not found on the loader's path, in CUDA_HOME, .* wheels$/,
      ),
      broken: false,
    });
  });
});

test('an empty path is no path', () => {
  set({ QSPARSE_LIBNVRTC: '/nowhere.so' });
  expect(openLibrary('nvrtc', '')).toMatchObject({
    missing: expect.stringContaining('(from QSPARSE_LIBNVRTC)'),
  });
});
