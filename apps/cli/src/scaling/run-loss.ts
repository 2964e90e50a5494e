/** The newest validation loss of a run, from its metrics.jsonl. */
import { join } from 'node:path';
import { decodeUtf8 } from '@qsparse/formats';
import { readFileBytes } from '@qsparse/formats/node';

/** nats a token; undefined where the run has not validated. Throws FileError where there is no such file. */
export async function lastValidationLoss(run: string): Promise<number | undefined> {
  const file = join(run, 'metrics.jsonl');
  const text = decodeUtf8(await readFileBytes(file, 2 ** 30), { label: 'scaling', file });
  for (const line of text.split('\n').reverse()) {
    if (!line.includes('"validationLoss"')) continue;
    try {
      const { validationLoss } = JSON.parse(line) as { validationLoss?: unknown };
      if (typeof validationLoss === 'number') return validationLoss;
    } catch {
      // The last line of a run that was killed may not be whole.
    }
  }
  return undefined;
}
