/** A token stream seen as rows of rowLength + 1 tokens: which row is where, and the checks that all packing shares. */
import { PackingError, requireInteger } from '../errors.ts';
import type { Tokens } from './tokens.ts';

export interface RowOptions {
  /** T: tokens a row feeds to the model. A row holds one more, the last target. */
  readonly rowLength: number;
  /** B: rows in a batch. */
  readonly batchSize: number;
}

const MAX_BATCH_TOKENS = 2 ** 30;

/**
 * Number of whole rows. Row r is tokens r·T to r·T + T: consecutive rows share one token, so every token but the first
 * is the target of exactly one row.
 */
export function countRows(where: string, tokens: Tokens, { rowLength, batchSize }: RowOptions): number {
  requireInteger(where, 'rowLength', rowLength, 1, MAX_BATCH_TOKENS);
  requireInteger(where, 'batchSize', batchSize, 1, Math.floor(MAX_BATCH_TOKENS / rowLength));
  const rows = Math.floor((tokens.length - 1) / rowLength);
  if (rows >= 1) return rows;
  throw new PackingError(
    'too-short',
    where,
    `a row takes ${rowLength + 1} tokens (rowLength ${rowLength} and the last target), the data has ${tokens.length}`,
    `give more text, or a rowLength below ${Math.max(tokens.length, 2)}`,
  );
}
