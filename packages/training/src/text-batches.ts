/** Batches for the loop from a token stream: rows of @qsparse/data, shuffled by seed, with an exact position. */
import { type BatchPosition, createBatches, fingerprint, type Tokens } from '@qsparse/data';
import type { BatchSource } from './trainable.ts';

export interface TextBatchOptions {
  readonly batchSize: number;
  /** Tokens a row. */
  readonly rowLength: number;
  /** Order of the rows. */
  readonly seed: number;
}

/** Throws PackingError where the tokens do not fill one row. */
export function textBatches(tokens: Tokens, options: TextBatchOptions): BatchSource {
  let batches = createBatches(tokens, options);
  return {
    next: () => batches.next().value,
    position: () => batches.position,
    seek(position) {
      batches = createBatches(tokens, { ...options, position: position as BatchPosition });
    },
    // A position counts rows, so the batch size may differ.
    fingerprint: `${fingerprint(tokens)}-${options.rowLength}-${options.seed}`,
  };
}
