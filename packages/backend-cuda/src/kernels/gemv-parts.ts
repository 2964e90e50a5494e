/**
 * How the products of channel lists (sparse-gemv, ternary-gemv) are cut into blocks: along the outputs, and along the list
 * where the outputs alone would leave the GPU half empty. By the shape alone, so that the same shape has the same bits.
 */
import { COUNTERS } from '../counters.ts';

/** Neighbours in a list that stay in one part. The same as in gemv.cuh. */
const RUN = 8;
const MOST_PARTS = 32;

/** What decides the shape of a launch; found by measurement. */
export interface GemvTuning {
  /** Lanes that read a run of one channel together: 4, 8, 16 or 32. */
  readonly lanes: number;
  /** Blocks for each multiprocessor that a launch should have at least. */
  readonly blocks: number;
  /** Entries of a list that a part should have at least. */
  readonly entries: number;
  /** Megabytes of the weights, active or not, that are brought into the second cache before the list is there. */
  readonly ahead: number;
}

export interface GemvSizes {
  readonly rows: number;
  /** Entries of a row's list. */
  readonly keep: number;
  readonly outputs: number;
  /** Outputs that a lane makes. */
  readonly laneOutputs: number;
  /** Counters that each row needs where its list has several parts: as many as runs of outputs where absent. */
  readonly rowCounters?: number;
}

export interface GemvParts {
  readonly lanes: number;
  /** Runs of outputs. */
  readonly tiles: number;
  /** Parts of a list. */
  readonly parts: number;
  /** In all; 0 where each list is one part. */
  readonly counters: number;
}

export function gemvParts(
  { rows, keep, outputs, laneOutputs, rowCounters }: GemvSizes,
  { lanes, blocks, entries }: Pick<GemvTuning, 'lanes' | 'blocks' | 'entries'>,
  multiprocessors: number,
): GemvParts {
  const tiles = Math.ceil(outputs / (lanes * laneOutputs));
  const wanted = Math.ceil((blocks * multiprocessors) / (rows * tiles));
  const room = Math.max(1, Math.floor(keep / Math.max(entries, RUN)));
  const counters = rows * (rowCounters ?? tiles);
  const parts = counters > COUNTERS ? 1 : Math.min(wanted, room, MOST_PARTS);
  return { lanes, tiles, parts, counters: parts === 1 ? 0 : counters };
}

/** Bytes of the weights at `address` that each block fetches ahead: a multiple of 16, as the address must be. */
export function fetchedAhead(
  { ahead }: Pick<GemvTuning, 'ahead'>,
  rows: number,
  { tiles, parts }: GemvParts,
  address: number,
): number {
  return address % 16 === 0 ? Math.floor((ahead * 1e6) / (rows * tiles * parts) / 16) * 16 : 0;
}
