/** Batches of preferences: the chosen answer in one row, the rejected one in the next, each with its prompt. */
import { PackingError, requireInteger } from '../errors.ts';
import type { BatchPosition } from '../packing/batches.ts';
import { permutation } from '../packing/random.ts';
import type { Example } from './encode.ts';
import { createRowOrder } from './row-order.ts';

export interface Pair {
  readonly chosen: Example;
  readonly rejected: Example;
  /** -log p of chosen and rejected under the reference model, in nats. */
  readonly reference: readonly [chosen: number, rejected: number];
}

export interface PairBatch {
  /** [2 P, T] row-major. */
  readonly tokens: Int32Array;
  /** [2 P, T]; -1 where nothing counts. */
  readonly targets: Int32Array;
  readonly shape: readonly [rows: number, rowLength: number];
  /** Pairs that count: what a mean loss is a mean over. */
  readonly predicted: number;
  readonly more: {
    /** [2 P]: targets that count. */
    readonly counts: Float32Array;
    /** [2 P]. */
    readonly reference: Float32Array;
  };
}

export interface PairOptions {
  /** Pairs in a batch: half as many as it has rows. */
  readonly batchSize: number;
  /** At least the longest example's. */
  readonly rowLength: number;
  readonly seed: number;
  readonly position?: BatchPosition | undefined;
}

/** Endless batches, shuffled anew each epoch. Throws `PackingError` (`too-short`) for no pairs, and (`position`). */
export function pairBatches(
  pairs: readonly Pair[],
  options: PairOptions,
): { readonly position: BatchPosition; next(): PairBatch } {
  const { batchSize, seed, position } = options;
  checkPairs(pairs, options);
  const order = createRowOrder((epoch) => [...permutation(pairs.length, seed, epoch)], position);
  return {
    get position() {
      return order.position;
    },
    next: () =>
      pairBatch(
        order.take(batchSize).map((index) => pairs[index]!),
        options,
      ),
  };
}

/** One pass in order; pairs that do not fill a batch are left out, unless there are no others. */
export function evaluationPairs(
  pairs: readonly Pair[],
  options: Pick<PairOptions, 'batchSize' | 'rowLength'> & { readonly maxBatches?: number | undefined },
): Iterable<PairBatch> {
  checkPairs(pairs, options);
  // A pair that fills up would count: a smaller batch does not.
  const batchSize = Math.min(options.batchSize, pairs.length);
  const count = Math.min(Math.floor(pairs.length / batchSize), options.maxBatches ?? Number.MAX_SAFE_INTEGER);
  return {
    *[Symbol.iterator]() {
      for (let i = 0; i < count; i++)
        yield pairBatch(pairs.slice(i * batchSize, (i + 1) * batchSize), options);
    },
  };
}

/** The rows of some pairs. */
export function pairBatch(pairs: readonly Pair[], { rowLength }: Pick<PairOptions, 'rowLength'>): PairBatch {
  const rows = 2 * pairs.length;
  const tokens = new Int32Array(rows * rowLength);
  const targets = new Int32Array(rows * rowLength).fill(-1);
  const [counts, reference] = [new Float32Array(rows), new Float32Array(rows)];
  for (const [index, pair] of pairs.entries()) {
    for (const [side, example] of [pair.chosen, pair.rejected].entries()) {
      const row = 2 * index + side;
      tokens.set(example.tokens, row * rowLength);
      targets.set(example.targets, row * rowLength);
      counts[row] = example.targets.reduce((sum, target) => sum + (target >= 0 ? 1 : 0), 0);
      reference[row] = pair.reference[side]!;
    }
  }
  return { tokens, targets, shape: [rows, rowLength], predicted: pairs.length, more: { counts, reference } };
}

function checkPairs(
  pairs: readonly Pair[],
  { batchSize, rowLength }: Pick<PairOptions, 'batchSize' | 'rowLength'>,
): void {
  requireInteger('pairBatches', 'batchSize', batchSize, 1, Math.floor(2 ** 29 / rowLength));
  const lengths = pairs.flatMap(({ chosen, rejected }) => [chosen.tokens.length, rejected.tokens.length]);
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  if (longest > 0 && longest <= rowLength) return;
  const what =
    longest === 0
      ? 'there is no pair'
      : `a row has ${rowLength} tokens, the longest answer with its prompt ${longest}`;
  throw new PackingError('too-short', 'pairBatches', what, 'give pairs that fit, or longer rows');
}
