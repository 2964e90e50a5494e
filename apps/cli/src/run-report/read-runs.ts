/** What run folders say of themselves: run.yaml and metrics.jsonl, as far as a run has come. */
import { basename, join, resolve } from 'node:path';
import { FormatError } from '@qsparse/formats';
import { FileError, readFileBytes } from '@qsparse/formats/node';
import { parse } from 'yaml';

/** One line of metrics.jsonl: numbers by name, and by name and place (`gradientNorms`, `siteSparsity`). */
export type Entry = { readonly step: number } & Readonly<
  Record<string, number | Readonly<Record<string, number>>>
>;

export interface Run {
  /** The folder's name, with its parents' where two runs share one. */
  readonly name: string;
  readonly path: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly entries: readonly Entry[];
}

/** Throws FileError for a folder that cannot be read, FormatError for one that is no run or has no step yet. */
export async function readRuns(paths: readonly string[]): Promise<readonly Run[]> {
  const folders = [...new Set(paths.map((path) => resolve(path)))];
  const names = namesOf(folders);
  return Promise.all(folders.map((path, i) => readRun(path, names[i]!)));
}

async function readRun(path: string, name: string): Promise<Run> {
  const [yaml, metrics] = [join(path, 'run.yaml'), join(path, 'metrics.jsonl')];
  const settings: unknown = parse(await textOf(yaml, path));
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings))
    throw new FormatError(
      'value',
      `[report] ${yaml}: must hold settings; name a folder that qsparse train made`,
    );
  const lines = (await textOf(metrics, path)).split('\n');
  const entries = lines.flatMap((line, i) => {
    if (line === '') return [];
    const entry = entryOf(line);
    if (entry) return [entry];
    // A run that is being written, or was killed, ends in the middle of a line.
    if (lines.slice(i + 1).every((rest) => rest === '')) return [];
    throw new FormatError('json', `[report] ${metrics}:${i + 1}: must be a step as JSON; remove the line`);
  });
  if (entries.length === 0)
    throw new FormatError('value', `[report] ${metrics}: there is no step yet; wait for the first one`);
  return { name, path, settings: settings as Run['settings'], entries };
}

async function textOf(file: string, folder: string): Promise<string> {
  try {
    return new TextDecoder().decode(await readFileBytes(file, Number.MAX_SAFE_INTEGER));
  } catch (error) {
    if (!(error instanceof FileError && error.systemCode === 'ENOENT')) throw error;
    const what = `[report] ${folder} is no run folder: there is no ${basename(file)}`;
    throw new FormatError('value', `${what}; name a folder that qsparse train made`);
  }
}

function entryOf(line: string): Entry | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    const isStep = typeof entry === 'object' && entry !== null && typeof (entry as Entry).step === 'number';
    return isStep ? (entry as Entry) : undefined;
  } catch {
    return undefined;
  }
}

/** The shortest ends of the paths that differ. */
function namesOf(paths: readonly string[]): readonly string[] {
  const parts = paths.map((path) => path.split(/[\\/]/).filter(Boolean));
  const longest = Math.max(0, ...parts.map(({ length }) => length));
  for (let count = 1; count < longest; count++) {
    const names = parts.map((part) => part.slice(-count).join('/'));
    if (new Set(names).size === names.length) return names;
  }
  return paths;
}
