import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { prefixBeside, resolveTarget } from '../../src/node/names-beside.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

test('hidden names in the same folder, short ones for long names', () => {
  expect(prefixBeside('/a/b/model')).toBe(join('/a/b', '.model'));
  const long = prefixBeside(`/a/${'é'.repeat(120)}`);
  expect(dirname(long)).toBe('/a');
  expect(basename(long)).toMatch(/^\.[0-9a-f]{32}$/);
  expect(long).not.toBe(prefixBeside(`/a/${'é'.repeat(121)}`));
});

test('links are followed, whether their goal exists or not', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'real'));
  writeFileSync(join(folder, 'real', 'file'), '');
  symlinkSync('real/file', join(folder, 'to file'));
  symlinkSync('real/missing', join(folder, 'to nothing'));
  symlinkSync('to nothing', join(folder, 'to a link'));
  symlinkSync('circle', join(folder, 'circle'));
  expect(await resolveTarget(join(folder, 'to file'))).toBe(join(folder, 'real', 'file'));
  expect(await resolveTarget(join(folder, 'to nothing'))).toBe(join(folder, 'real', 'missing'));
  expect(await resolveTarget(join(folder, 'to a link'))).toBe(join(folder, 'real', 'missing'));
  expect(await resolveTarget(join(folder, 'plain'))).toBe(join(folder, 'plain'));
  await expect(resolveTarget(join(folder, 'circle'))).rejects.toMatchObject({ code: 'ELOOP' });
});
