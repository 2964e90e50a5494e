/**
 * Choices of algorithms that outlive the process: one file for each GPU and version of cuBLASLt. Bits can depend on the
 * algorithm, so that a restarted run repeats its results only with the choices it had. A file that cannot be read or
 * written costs time and that promise, never the run.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ALGORITHM_BYTES, type Algorithm } from './algorithms.ts';

export interface Choices {
  get(key: string): Algorithm | undefined;
  /** Keeps a choice and how long it took. */
  set(key: string, algorithm: Algorithm, microseconds: number): void;
  /** Why choices are not kept on disk; undefined while they are. */
  readonly problem: string | undefined;
}

const FORMAT = 1;

interface Entry {
  /** Base64. */
  readonly algorithm: string;
  readonly microseconds: number;
}

/** Opens the file of a GPU and version in `folder`; '' keeps choices for this process alone. */
export function openChoices(folder: string, gpu: string, version: number): Choices {
  const name = `cublas-lt-${gpu.replace(/[^A-Za-z0-9.-]+/g, '-')}-${version}.json`;
  const file = folder && join(folder, name);
  const entries = new Map(file ? readEntries(file, gpu) : []);
  let problem = file ? undefined : 'there is no cache folder';
  return {
    get(key) {
      const entry = entries.get(key);
      return entry && Uint8Array.from(Buffer.from(entry.algorithm, 'base64'));
    },
    set(key, algorithm, microseconds) {
      const entry = {
        algorithm: Buffer.from(algorithm).toString('base64'),
        microseconds: Math.round(100 * microseconds) / 100,
      };
      entries.set(key, entry);
      if (!file) return;
      // Another process may have added some; a choice that this one uses stays its own.
      for (const [other, its] of readEntries(file, gpu)) if (!entries.has(other)) entries.set(other, its);
      problem = writeWhole(folder, file, { format: FORMAT, gpu, choices: Object.fromEntries(entries) });
    },
    get problem() {
      return problem;
    },
  };
}

/** What a file holds; nothing where it is missing, damaged or of another format. */
function readEntries(file: string, gpu: string): [string, Entry][] {
  try {
    const content = JSON.parse(readFileSync(file, 'utf8')) as {
      format?: unknown;
      gpu?: unknown;
      choices?: Readonly<Record<string, Partial<Entry>>>;
    };
    if (content.format !== FORMAT || content.gpu !== gpu) return [];
    return Object.entries(content.choices ?? {}).filter((pair): pair is [string, Entry] => isEntry(pair[1]));
  } catch {
    return [];
  }
}

function isEntry(entry: Partial<Entry>): boolean {
  const { algorithm, microseconds } = entry;
  if (typeof algorithm !== 'string' || typeof microseconds !== 'number') return false;
  return Buffer.from(algorithm, 'base64').length === ALGORITHM_BYTES;
}

/** Writes beside and renames, so that nobody reads half a file. Returns what went wrong. */
function writeWhole(folder: string, file: string, content: unknown): string | undefined {
  const beside = `${file}.${process.pid}`;
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(beside, `${JSON.stringify(content, undefined, 1)}\n`);
    renameSync(beside, file);
    return undefined;
  } catch (error) {
    removeQuietly(beside);
    return error instanceof Error ? error.message : String(error);
  }
}

function removeQuietly(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // Where it could not be written, there is nothing to remove.
  }
}
