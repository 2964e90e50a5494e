/**
 * Requests to rows of tokens to batches. Requests that read the same tokens share a row, so that the letters after one
 * question cost one pass. Rows that begin with the same long context share a batch that reads it once; other rows share one
 * with rows of like length, so that little is padded.
 */
import type { ScoreRequest } from './scorer.ts';

/** A token whose probability is wanted: that of `target` after the row's token at `position`. */
export interface Pick {
  readonly request: number;
  readonly position: number;
  readonly target: number;
}

export interface Row {
  /** Without the prefix of the batch. */
  readonly tokens: readonly number[];
  /** Positions count from the end of the prefix. */
  readonly picks: readonly Pick[];
  /** Requests that this row answers. */
  readonly requests: number;
}

export interface Batch {
  /** Tokens that come before those of every row; empty for most. */
  readonly prefix: readonly number[];
  /** The longest first. */
  readonly rows: readonly Row[];
}

export interface BatchLimits {
  /** Tokens that are computed at once, padding counted. A row that has more is a batch of its own. */
  readonly tokens: number;
  readonly rows: number;
  /** Tokens that need not be read again, from which on a prefix is worth passes of its own. */
  readonly shared: number;
}

/** Batches of single rows, the longest first, so that what does not fit in memory fails at once; then those with a prefix. */
export function batchesOf(requests: readonly ScoreRequest[], limits: BatchLimits): readonly Batch[] {
  const alone: Row[] = [];
  const together: Batch[] = [];
  for (const { context, rows } of contextsOf(requests)) {
    // The last token of the context is read by the rows: what follows it is what they score.
    const prefix = context.slice(0, -1);
    if ((rows.length - 1) * prefix.length < limits.shared) alone.push(...rows);
    else
      for (const batch of packed(
        rows.map((row) => after(prefix.length, row)),
        limits,
      ))
        together.push({ prefix, rows: batch });
  }
  return [...packed(alone, limits).map((rows) => ({ prefix: [], rows })), ...together];
}

function packed(rows: readonly Row[], limits: BatchLimits): readonly (readonly Row[])[] {
  const batches: Row[][] = [];
  for (const row of rows.toSorted((a, b) => b.tokens.length - a.tokens.length)) {
    const batch = batches.at(-1);
    const longest = batch?.[0]?.tokens.length ?? 0;
    if (batch && batch.length < limits.rows && (batch.length + 1) * longest <= limits.tokens) batch.push(row);
    else batches.push([row]);
  }
  return batches;
}

function after(count: number, { tokens, picks, requests }: Row): Row {
  return {
    tokens: tokens.slice(count),
    picks: picks.map((pick) => ({ ...pick, position: pick.position - count })),
    requests,
  };
}

interface MutableRow extends Row {
  readonly picks: Pick[];
  requests: number;
}

/** Rows by the context of the first request that reads them. */
function contextsOf(
  requests: readonly ScoreRequest[],
): Iterable<{ readonly context: readonly number[]; readonly rows: readonly Row[] }> {
  const contexts = new Map<string, { context: readonly number[]; rows: MutableRow[] }>();
  const byTokens = new Map<string, MutableRow>();
  for (const [request, { context, continuation }] of requests.entries()) {
    const tokens = [...context, ...continuation.slice(0, -1)];
    const key = tokens.join();
    let row = byTokens.get(key);
    if (!row) {
      row = { tokens, picks: [], requests: 0 };
      byTokens.set(key, row);
      const shared = contexts.get(context.join()) ?? { context, rows: [] };
      contexts.set(context.join(), shared);
      shared.rows.push(row);
    }
    row.requests++;
    for (const [i, target] of continuation.entries())
      row.picks.push({ request, position: context.length - 1 + i, target });
  }
  return contexts.values();
}
