/** metrics.jsonl: one line a step, each step once, also after a kill in the middle of a line. */
import { appendFile } from 'node:fs/promises';
import { FileError, readFileBytes, withFileErrors, writeFileAtomic } from '@qsparse/formats/node';
import type { Reporter, StepEntry } from '../reporter.ts';

export interface MetricsFile extends Reporter {
  /** Drops the steps after `step`, which a killed run wrote and the resumed one will write again. */
  rewind(step: number): Promise<void>;
  /** The losses of all steps so far. */
  losses(): Promise<readonly number[]>;
}

/** What it returns throws FileError where the file cannot be read or written: a step that is not recorded is no step. */
export function metricsFile(path: string): MetricsFile {
  const entries = async () => (await linesOf(path)).flatMap((line) => entryOf(line) ?? []);
  return {
    step: (entry) => withFileErrors('metrics', path, () => appendFile(path, `${JSON.stringify(entry)}\n`)),
    async rewind(step) {
      const lines = await linesOf(path);
      const kept = lines.filter((line) => (entryOf(line)?.step ?? Number.POSITIVE_INFINITY) <= step);
      if (kept.length < lines.length) await writeFileAtomic(path, kept.map((line) => `${line}\n`).join(''));
    },
    losses: async () => (await entries()).map(({ loss }) => loss),
    close: async () => {},
  };
}

async function linesOf(path: string): Promise<readonly string[]> {
  try {
    const text = new TextDecoder().decode(await readFileBytes(path, Number.MAX_SAFE_INTEGER));
    return text.split('\n').filter((line) => line !== '');
  } catch (error) {
    if (error instanceof FileError && error.systemCode === 'ENOENT') return [];
    throw error;
  }
}

/** Undefined for a line that is not whole. */
function entryOf(line: string): Pick<StepEntry, 'step' | 'loss'> | undefined {
  try {
    const { step, loss } = JSON.parse(line) as Partial<StepEntry>;
    return typeof step === 'number' && typeof loss === 'number' ? { step, loss } : undefined;
  } catch {
    return undefined;
  }
}
