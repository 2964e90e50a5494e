/**
 * Examples packed into rows: as many in a row as fit, each seeing itself alone, since every position says where its example
 * begins. The order is a function of seed and epoch, so a position of two numbers is exact.
 */
import { PackingError, requireInteger } from '../errors.ts';
import type { BatchPosition } from '../packing/batches.ts';
import { fingerprint } from '../packing/fingerprint.ts';
import { permutation } from '../packing/random.ts';
import type { RowOptions } from '../packing/rows.ts';
import type { Example } from './encode.ts';
import { createRowOrder } from './row-order.ts';

export interface PackedBatch {
  /** [B, T] row-major; 0 where there is none. */
  readonly tokens: Int32Array;
  /** [B, T]; -1 where nothing counts. */
  readonly targets: Int32Array;
  readonly shape: readonly [batchSize: number, rowLength: number];
  /** Targets that count. */
  readonly predicted: number;
  readonly more: {
    /** [B, T]: where the example of each position begins in its row. */
    readonly first: Int32Array;
  };
}

export interface PackedBatches {
  readonly position: BatchPosition;
  next(): PackedBatch;
}

export interface PackOptions extends RowOptions {
  /** Order of the examples; an integer from 0 to 2^53 - 1. */
  readonly seed: number;
  readonly position?: BatchPosition | undefined;
}

/** Rows that are tried for each example, the newest ones: more of them fill rows better and take longer. */
const OPEN_ROWS = 64;

/** Endless batches. Throws `PackingError` (`too-short`) for no examples or one that is longer than a row, and (`position`). */
export function packExamples(examples: readonly Example[], options: PackOptions): PackedBatches {
  const { batchSize, rowLength, seed, position } = options;
  checkExamples(examples, options);
  const order = createRowOrder(
    (epoch) => packedRows(examples, rowLength, permutation(examples.length, seed, epoch)),
    position,
  );
  return {
    get position() {
      return order.position;
    },
    next: () => batchOf(examples, order.take(batchSize), options),
  };
}

/** Rows that the examples take in each of the first epochs. */
export function countPackedRows(
  examples: readonly Example[],
  { rowLength, seed }: Pick<PackOptions, 'rowLength' | 'seed'>,
  epochs: number,
): number {
  let rows = 0;
  for (let epoch = 0; epoch < epochs; epoch++)
    rows += packedRows(examples, rowLength, permutation(examples.length, seed, epoch)).length;
  return rows;
}

/** One pass over all examples in their order; the last batch is filled up with rows that count nothing. */
export function evaluationPacks(
  examples: readonly Example[],
  options: RowOptions & { readonly maxBatches?: number | undefined },
): Iterable<PackedBatch> {
  const { batchSize, rowLength, maxBatches = Number.MAX_SAFE_INTEGER } = options;
  checkExamples(examples, options);
  const rows = packedRows(examples, rowLength, examples.keys());
  return {
    *[Symbol.iterator]() {
      for (let from = 0, count = 0; from < rows.length && count < maxBatches; from += batchSize, count++)
        yield batchOf(examples, rows.slice(from, from + batchSize), options);
    },
  };
}

/** Identity of examples and their order, for a resume that must refuse others. */
export function fingerprintExamples(examples: readonly Example[]): string {
  const all = new Int32Array(examples.reduce((sum, { tokens }) => sum + 2 * tokens.length + 1, 0));
  let at = 0;
  for (const { tokens, targets } of examples) {
    all.set(tokens, at);
    all.set(targets, at + tokens.length);
    at += 2 * tokens.length;
    all[at++] = -2;
  }
  return fingerprint(all);
}

function checkExamples(examples: readonly Example[], { batchSize, rowLength }: RowOptions): void {
  requireInteger('packExamples', 'rowLength', rowLength, 1, 2 ** 24);
  requireInteger('packExamples', 'batchSize', batchSize, 1, Math.floor(2 ** 30 / rowLength));
  const longest = examples.reduce((most, { tokens }) => Math.max(most, tokens.length), 0);
  if (longest > 0 && longest <= rowLength) return;
  const what =
    longest === 0 ? 'there is no example' : `a row has ${rowLength} tokens, the longest example ${longest}`;
  throw new PackingError('too-short', 'packExamples', what, 'give examples that fit, or longer rows');
}

/** First fit over the rows that are still open. Rows are lists of examples. */
function packedRows(
  examples: readonly Example[],
  rowLength: number,
  order: Iterable<number>,
): readonly (readonly number[])[] {
  const rows: { readonly members: number[]; room: number }[] = [];
  for (const index of order) {
    const { length } = examples[index]!.tokens;
    let row = rows.slice(-OPEN_ROWS).find(({ room }) => room >= length);
    if (!row) {
      row = { members: [], room: rowLength };
      rows.push(row);
    }
    row.members.push(index);
    row.room -= length;
  }
  return rows.map(({ members }) => members);
}

function batchOf(
  examples: readonly Example[],
  rows: readonly (readonly number[])[],
  { batchSize, rowLength }: RowOptions,
): PackedBatch {
  const size = batchSize * rowLength;
  const [tokens, targets] = [new Int32Array(size), new Int32Array(size).fill(-1)];
  // A position without an example sees itself alone.
  const first = Int32Array.from({ length: size }, (_, i) => i % rowLength);
  let predicted = 0;
  for (const [row, members] of rows.entries()) {
    let start = 0;
    for (const member of members) {
      const example = examples[member]!;
      const at = row * rowLength + start;
      tokens.set(example.tokens, at);
      targets.set(example.targets, at);
      first.fill(start, at, at + example.tokens.length);
      for (const target of example.targets) if (target >= 0) predicted++;
      start += example.tokens.length;
    }
  }
  return { tokens, targets, shape: [batchSize, rowLength], predicted, more: { first } };
}
