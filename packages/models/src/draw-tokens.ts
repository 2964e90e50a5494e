/**
 * Texts that grow in step, a token a round. All are at one position, so a row whose prompt is longer than the shortest
 * reads it on while others are written, and a row that has ended is computed along until the last one ends.
 */
import { createPauses, NonFiniteError } from '@qsparse/core';
import type { Decoder } from '@qsparse/layers';
import type { GenerateSettings } from './generate-options.ts';
import { createNextTokens, type Drawn, type Row } from './next-tokens.ts';
import type { EndReason } from './text-writer.ts';

export interface GrowingRow extends Row {
  /** Set by `drawTokens`, or by its caller to end the text. */
  end: EndReason | undefined;
}

export const createRow = (prompt: ArrayLike<number>, seed: number): GrowingRow => ({
  text: Array.from(prompt),
  seed,
  drawn: 0,
  end: undefined,
});

export function noProbabilities(index: number): NonFiniteError {
  return new NonFiniteError(
    'generate',
    `the model gives no probabilities for token ${index}: its logits are not finite`,
    'its weights are damaged; take an earlier checkpoint',
  );
}

/**
 * What each round adds, without stop tokens, until all rows have ended; their `end` is set before the round is handed
 * out. More than one row must have room for prompt and `maxTokens` in the context. Throws NonFiniteError.
 */
export async function* drawTokens(
  model: Decoder,
  rows: readonly GrowingRow[],
  { maxTokens, stopTokens, signal, ...options }: GenerateSettings,
): AsyncGenerator<Drawn, void, void> {
  const { contextLength } = model.config;
  const longest = Math.max(...rows.map(({ text }) => text.length));
  const capacity = Math.min(contextLength, longest + maxTokens);
  const pause = createPauses();
  const tokens = createNextTokens(model, rows, { ...options, capacity, pause, signal });
  try {
    for (let start = 0; ; ) {
      const live = rows.filter(({ end }) => end === undefined);
      if (live.length === 0) return;
      let end = Math.min(...live.map(({ text }) => text.length));
      if (end > contextLength) {
        // Positions end with the context: what goes on is read again from its newest half.
        const newest = Math.max(1, contextLength >> 1);
        for (const row of live) row.text = row.text.slice(-newest);
        [start, end] = [0, newest];
      }
      for (const row of rows) while (row.text.length < end) row.text.push(0); // ended ones
      const isDrawn = (row: Row) => live.includes(row as GrowingRow) && row.text.length === end;
      const drawn = signal?.aborted ? undefined : await tokens.next(start, end, isDrawn);
      if (!drawn) for (const row of live) row.end = 'aborted';
      yield new Map([...(drawn ?? [])].filter(([row, { token }]) => add(row as GrowingRow, token)));
      start = end;
      await pause();
    }
  } finally {
    tokens.dispose();
  }

  /** Whether the token belongs to the text. */
  function add(row: GrowingRow, token: number): boolean {
    row.drawn++;
    if (token < 0) throw noProbabilities(row.drawn);
    const stops = stopTokens.includes(token);
    if (stops) row.end = 'stop';
    else row.text.push(token);
    if (!stops && row.drawn === maxTokens) row.end = 'length';
    return !stops;
  }
}
