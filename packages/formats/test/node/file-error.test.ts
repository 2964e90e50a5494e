import { FormatError } from '@qsparse/formats';
import type { FileError } from '@qsparse/formats/node';
import { expect, test } from 'vitest';
import { systemCode, toFileError, withFileErrors } from '../../src/node/file-error.ts';

const system = (code: string, more: object = {}) =>
  Object.assign(new Error(`${code}: some\ntext`), { code, ...more });

test('an error of the system becomes one line with reason, consequence and advice', () => {
  const cause = system('EACCES');
  const error = toFileError(cause, {
    label: 'write',
    path: 'a/b',
    consequence: 'nothing was written',
  }) as FileError;
  expect(error.name).toBe('FileError');
  expect(error.message).toBe(
    '[write] a/b: permission denied (EACCES), nothing was written; change the rights or choose another folder',
  );
  expect(error).toMatchObject({ code: 'io', systemCode: 'EACCES', path: 'a/b', file: 'a/b', cause });
});

test('a code without words of its own still is one line', () => {
  const error = toFileError(system('EPROTO'), { label: 'read', path: 'x' }) as FileError;
  expect(error.message).toBe('[read] x: EPROTO: some text (EPROTO); check the path');
});

test("the system's own path is named, unless it is that of a temporary file", () => {
  const operation = { label: 'write', path: 'dir/x', temporaryPrefix: '/dir/.x' };
  expect(toFileError(system('ENOENT', { path: '/other' }), operation)).toMatchObject({ path: '/other' });
  expect(toFileError(system('ENOENT', { path: '/dir/.x.12.partial' }), operation)).toMatchObject({
    path: 'dir/x',
  });
});

test('other errors come back as they are', () => {
  const operation = { label: 'write', path: 'x' };
  const wrongArgument = system('ERR_INVALID_ARG_TYPE');
  for (const error of [
    new Error('mine'),
    wrongArgument,
    new FormatError('json', '[x] y'),
    'text',
    undefined,
  ]) {
    expect(toFileError(error, operation)).toBe(error);
    expect(systemCode(error)).toBeUndefined();
  }
});

test('operations are wrapped', async () => {
  expect(await withFileErrors('read', 'x', async () => 5)).toBe(5);
  await expect(withFileErrors('read', 'x', () => Promise.reject(system('EIO')))).rejects.toThrow(
    '[read] x: the disk reports an error (EIO); check the disk',
  );
});
