/** Rows of one epoch after another, with an exact position; an epoch that ends inside a batch is filled up by the next. */
import { PackingError } from '../errors.ts';
import type { BatchPosition } from '../packing/batches.ts';

export interface RowOrder<R> {
  readonly position: BatchPosition;
  /** The next rows; the position moves on. */
  take(count: number): R[];
}

/** `rowsOf(epoch)`: its rows in order, at least one. Throws `PackingError` (`position`) for one that is outside. */
export function createRowOrder<R>(
  rowsOf: (epoch: number) => readonly R[],
  start: BatchPosition = { epoch: 0, row: 0 },
): RowOrder<R> {
  const isWhole = Number.isSafeInteger(start.epoch) && start.epoch >= 0 && Number.isSafeInteger(start.row);
  let rows = isWhole ? rowsOf(start.epoch) : [];
  if (!(start.row >= 0 && start.row < rows.length)) {
    const what = `position must have an epoch from 0 and one of its rows, got epoch ${start.epoch}, row ${start.row}`;
    throw new PackingError('position', 'createRowOrder', what, 'give the data that it was saved with');
  }
  let position: BatchPosition = { epoch: start.epoch, row: start.row };
  return {
    get position() {
      return position;
    },
    take(count) {
      return Array.from({ length: count }, () => {
        const row = rows[position.row]!;
        position = { epoch: position.epoch, row: position.row + 1 };
        if (position.row === rows.length) {
          position = { epoch: position.epoch + 1, row: 0 };
          rows = rowsOf(position.epoch);
        }
        return row;
      });
    },
  };
}
