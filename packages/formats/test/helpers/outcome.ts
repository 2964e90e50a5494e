// The contract of every reader under hostile input: success, or the package's own error.
import type { FormatError, FormatErrorCode } from '@qsparse/formats';
import { expect } from 'vitest';

/** Runs the operation, which must fail with a FormatError of one clear line. Returns it. */
export async function failure(operation: () => unknown, code?: FormatErrorCode): Promise<FormatError> {
  let error: unknown;
  try {
    await operation();
  } catch (caught) {
    error = caught;
  }
  return requireClear(error, code);
}

/** Runs the operation and returns its result, or undefined after a clear FormatError; anything else fails the test. */
export async function successOrFormatError<T>(operation: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await operation();
  } catch (error) {
    requireClear(error);
    return undefined;
  }
}

function requireClear(error: unknown, code?: FormatErrorCode): FormatError {
  if (!isFormatError(error)) throw new Error('a FormatError was required', { cause: error });
  expect(error.message).toMatch(/^\[[^\]]+\] .+/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the message must hold none
  expect(error.message).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e]/);
  expect(error.message.length).toBeLessThan(2000);
  if (code !== undefined) expect(error.code, error.message).toBe(code);
  return error;
}

/** By name: where the built package is tested, an internal function of the sources throws a class of its own. */
function isFormatError(error: unknown): error is FormatError {
  return error instanceof Error && ['FormatError', 'FileError'].includes(error.name) && 'code' in error;
}
