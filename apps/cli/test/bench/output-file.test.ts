import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileError } from '@qsparse/formats/node';
import { afterAll, expect, test } from 'vitest';
import { outputFile } from '../../src/bench/output-file.ts';
import { temporaryFolder } from '../run-cli.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

test('nothing without a name', async () => {
  expect(await outputFile(undefined)).toBeUndefined();
  expect(await outputFile('')).toBeUndefined();
});

test('its folder is made, the file is not', async () => {
  const file = join(folder.path, 'charts', 'today', 'curve.svg');
  expect(await outputFile(file)).toBe(file);
  expect(existsSync(join(folder.path, 'charts', 'today'))).toBe(true);
  expect(existsSync(file)).toBe(false);
});

test('a file where the folder must be is told before anything is timed', async () => {
  writeFileSync(join(folder.path, 'taken'), '');
  await expect(outputFile(join(folder.path, 'taken', 'curve.svg'))).rejects.toThrow(FileError);
});
