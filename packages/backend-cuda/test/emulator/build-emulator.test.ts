/** What the build does with sources that do not compile, and where there is no compiler. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { buildEmulator } from './build-emulator.mjs';
import { missing } from './fixture-driver.ts';

const KERNEL = `#include "device.cuh"
struct NothingArguments {
  int n;
};
KERNEL(nothing, 32, NothingArguments) {}
`;

describe.skipIf(missing)('a folder of kernels', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'emulator-'));
    writeFileSync(join(folder, 'nothing.cu'), KERNEL);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });
  const libraryOf = (): string => {
    const built = buildEmulator({ folder });
    if ('missing' in built) throw new Error(built.missing);
    return built.path;
  };

  test('is built once for one content', () => {
    const first = libraryOf();
    expect(libraryOf()).toBe(first);
    writeFileSync(join(folder, 'nothing.cu'), KERNEL.replace('nothing,', 'something,'));
    const second = libraryOf();
    expect(second).not.toBe(first);
    expect(buildEmulator({ folder, checks: false })).not.toMatchObject({ path: second });
  });

  test('follows changes of its headers', () => {
    writeFileSync(join(folder, 'nothing.cu'), `#include "own/part.cuh"\n${KERNEL}`);
    mkdirSync(join(folder, 'own'));
    writeFileSync(join(folder, 'own/part.cuh'), 'constexpr int PART = 1;\n');
    const first = libraryOf();
    writeFileSync(join(folder, 'own/part.cuh'), 'constexpr int PART = 2;\n');
    expect(libraryOf()).not.toBe(first);
  });

  test('names the file that does not compile and its first error', () => {
    writeFileSync(join(folder, 'broken.cu'), `${KERNEL}DEVICE int wrong() { return unheard; }\n`);
    expect(() => buildEmulator({ folder })).toThrow(
      /\[emulator\] broken\.cu does not compile: .*broken\.cu:6:\d+: error: .*unheard/,
    );
    vi.stubEnv('QSPARSE_EMULATED_SKIP', '1');
    expect(libraryOf()).toMatch(/\.so$/);
  });

  test('says what is missing without a compiler', () => {
    vi.stubEnv('QSPARSE_EMULATED_COMPILER', 'none');
    expect(buildEmulator({ folder })).toEqual({ missing: expect.stringMatching(/clang\+\+ .* or g\+\+/) });
  });
});
