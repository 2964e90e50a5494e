/** Evaluation batches: every token but the first predicted exactly once, in order, one pass. */
import { requireInteger } from '../errors.ts';
import { countRows, type RowOptions } from './rows.ts';
import type { Tokens } from './tokens.ts';

export interface EvaluationBatch {
  /** [B, T] row-major; 0 where there is no text left. */
  readonly tokens: Int32Array;
  /** [B, T]: the following tokens; `ignoredTarget` where there is no text left. */
  readonly targets: Int32Array;
  /** [B, T], the same for all batches. */
  readonly shape: readonly [batchSize: number, rowLength: number];
  /** Targets that count. */
  readonly predicted: number;
}

export interface EvaluationOptions extends RowOptions {
  /** The target that a loss leaves out; default −1. */
  readonly ignoredTarget?: number;
  /** Stop after this many batches; default: all. */
  readonly maxBatches?: number;
}

/**
 * One pass in order. The last partial row and batch are padded, so all shapes are equal and nothing is left out.
 * Throws as `createBatches` does, at once.
 */
export function evaluationBatches(tokens: Tokens, options: EvaluationOptions): Iterable<EvaluationBatch> {
  const { ignoredTarget = -1, maxBatches = Number.MAX_SAFE_INTEGER } = options;
  countRows('evaluationBatches', tokens, options);
  requireInteger('evaluationBatches', 'maxBatches', maxBatches, 1, Number.MAX_SAFE_INTEGER);
  return { [Symbol.iterator]: () => batches(tokens, options, ignoredTarget, maxBatches) };
}

function* batches(
  tokens: Tokens,
  { rowLength, batchSize }: RowOptions,
  ignoredTarget: number,
  maxBatches: number,
): Generator<EvaluationBatch, void, undefined> {
  // Rows follow one another in the stream, so a batch is one stretch of it.
  const size = batchSize * rowLength;
  const last = tokens.length - 1;
  for (let from = 0, count = 0; from < last && count < maxBatches; from += size, count++) {
    const predicted = Math.min(size, last - from);
    const inputs = new Int32Array(size);
    const targets = new Int32Array(size).fill(ignoredTarget);
    inputs.set(tokens.subarray(from, from + predicted));
    targets.set(tokens.subarray(from + 1, from + 1 + predicted));
    yield { tokens: inputs, targets, shape: [batchSize, rowLength], predicted };
  }
}
