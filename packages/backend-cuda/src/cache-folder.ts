/** Where compiled kernels and timings are kept between runs, as the operating system has it. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** QSPARSE_CACHE (may be empty: keep nothing), XDG_CACHE_HOME, LOCALAPPDATA or ~/.cache, with `qsparse/cuda` below. */
export function defaultCacheFolder(): string {
  const { QSPARSE_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (QSPARSE_CACHE !== undefined) return QSPARSE_CACHE && join(QSPARSE_CACHE, 'cuda');
  return join(XDG_CACHE_HOME || LOCALAPPDATA || join(homedir(), '.cache'), 'qsparse', 'cuda');
}
