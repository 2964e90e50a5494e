/**
 * Training batches without end: rows of a token stream, shuffled anew each epoch, with an exact position. The order is
 * a function of (seed, epoch, number of rows), so a position of two numbers is all that a checkpoint needs.
 */
import { PackingError, requireInteger } from '../errors.ts';
import { permutation } from './random.ts';
import { countRows, type RowOptions } from './rows.ts';
import type { Tokens } from './tokens.ts';

/** Where reading stands: `row` rows of epoch `epoch` have been taken. Plain JSON. */
export interface BatchPosition {
  readonly epoch: number;
  readonly row: number;
}

export interface Batch {
  /** [B, T] row-major. */
  readonly tokens: Int32Array;
  /** [B, T]: the token that follows each of `tokens`. */
  readonly targets: Int32Array;
  /** [B, T]. */
  readonly shape: readonly [batchSize: number, rowLength: number];
  /** Where this batch begins. */
  readonly start: BatchPosition;
  /** Where the next one begins: what to save once this batch has been trained on. */
  readonly next: BatchPosition;
}

export interface BatchOptions extends RowOptions {
  /** Order of the rows; an integer from 0 to 2^53 − 1. */
  readonly seed: number;
  /** Where to go on; default the beginning. */
  readonly position?: BatchPosition;
}

/** Never ends, and can be left by `break` and gone on with. */
export interface Batches extends IterableIterator<Batch, never> {
  /** Where the next batch begins. */
  readonly position: BatchPosition;
  /** Rows in an epoch. A last partial row, fewer than T tokens at the end of the stream, is not used. */
  readonly rowsPerEpoch: number;
  next(): IteratorYieldResult<Batch>;
}

/**
 * Batches of B rows of T tokens. Where an epoch ends inside a batch, rows of the next epoch fill it up: no row is left
 * out, and all batches have the same shape. The arrays of a batch are its own.
 * Throws `PackingError` (`too-short`) for fewer than T + 1 tokens and (`position`) for a position outside this data,
 * `DataError` (`value`) for other options out of range.
 */
export function createBatches(tokens: Tokens, options: BatchOptions): Batches {
  const { rowLength, batchSize, seed } = options;
  const rowsPerEpoch = countRows('createBatches', tokens, options);
  requireInteger('createBatches', 'seed', seed, 0, Number.MAX_SAFE_INTEGER);
  let position = checkedPosition(options.position ?? { epoch: 0, row: 0 }, rowsPerEpoch);
  let order = permutation(rowsPerEpoch, seed, position.epoch);

  /** The row at the position, which moves on. */
  const takeRow = (): number => {
    const row = order[position.row]!;
    position = { epoch: position.epoch, row: position.row + 1 };
    if (position.row === rowsPerEpoch) {
      position = { epoch: position.epoch + 1, row: 0 };
      order = permutation(rowsPerEpoch, seed, position.epoch);
    }
    return row;
  };

  return {
    rowsPerEpoch,
    get position() {
      return position;
    },
    next() {
      const start = position;
      const inputs = new Int32Array(batchSize * rowLength);
      const targets = new Int32Array(batchSize * rowLength);
      for (let at = 0; at < inputs.length; at += rowLength) {
        const from = takeRow() * rowLength;
        inputs.set(tokens.subarray(from, from + rowLength), at);
        targets.set(tokens.subarray(from + 1, from + 1 + rowLength), at);
      }
      const shape = [batchSize, rowLength] as const;
      return { done: false, value: { tokens: inputs, targets, shape, start, next: position } };
    },
    [Symbol.iterator]() {
      return this;
    },
  };
}

function checkedPosition({ epoch, row }: BatchPosition, rowsPerEpoch: number): BatchPosition {
  const fits =
    Number.isSafeInteger(epoch) && epoch >= 0 && Number.isInteger(row) && row >= 0 && row < rowsPerEpoch;
  if (fits) return { epoch, row };
  throw new PackingError(
    'position',
    'createBatches',
    `position must have an epoch from 0 and a row from 0 to ${rowsPerEpoch - 1}, got epoch ${epoch}, row ${row}`,
    'the data or rowLength changed since it was saved: start over, or give the same data',
  );
}
