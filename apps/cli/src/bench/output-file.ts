/** A file that a benchmark writes when it is done: that there is a folder for it is seen to before anything is timed. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { withFileErrors } from '@qsparse/formats/node';

/** What the flag names, undefined without one; its folder is made. Throws FileError where that cannot be. */
export async function outputFile(
  flag: string | boolean | readonly string[] | undefined,
): Promise<string | undefined> {
  if (typeof flag !== 'string' || flag === '') return undefined;
  await withFileErrors('bench', flag, () => mkdir(dirname(flag), { recursive: true }));
  return flag;
}
