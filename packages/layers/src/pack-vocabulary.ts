/** Embedding and head of a decoder in int8, a scale a row. */
import {
  type Device,
  empty,
  keep,
  noGrad,
  type Param,
  rows,
  ShapeError,
  scope,
  slice,
  type Tensor,
  write,
} from '@qsparse/core';
import { encodeInt8, type Int8Table } from '@qsparse/quantizers';
import type { Decoder } from './decoder.ts';
import type { PackedVocabulary } from './packed.ts';

/** Rows that are read from the device at a time. */
const CHUNK = 1024;

/** Throws NonFiniteError for a table that is not finite, and the signal's reason. */
export async function packVocabulary(
  { device, embedding, head }: Pick<Decoder, 'device' | 'embedding' | 'head'>,
  { signal }: { readonly signal?: { throwIfAborted(): void } | undefined } = {},
): Promise<PackedVocabulary> {
  const first = await tableOf(device, embedding, signal);
  try {
    return { embedding: first, head: head === embedding ? first : await tableOf(device, head, signal) };
  } catch (error) {
    disposeTable(first);
    throw error;
  }
}

async function tableOf(
  device: Device,
  param: Param,
  signal: { throwIfAborted(): void } | undefined,
): Promise<Int8Table> {
  const [length, width] = param.shape as [number, number];
  const made = emptyTable(device, length, width);
  try {
    for (let first = 0; first < length; first += CHUNK) {
      signal?.throwIfAborted();
      const chunk = noGrad(() => slice(param, 0, first, Math.min(CHUNK, length - first)));
      try {
        const { values, scales } = encodeInt8(await chunk.data(), width);
        writeRows(made.table, first, values);
        writeRows(made.scales, first, scales);
      } finally {
        chunk.dispose();
      }
    }
    return made;
  } catch (error) {
    disposeTable(made);
    throw error;
  }
}

/** Rows of integers, each with what it is multiplied by. */
export interface Int8Rows {
  /** All at once, or in order in pieces of whole rows, each of which is used before the next is asked for. */
  readonly codes: Int8Array | Iterable<Int8Array>;
  readonly scales: Float32Array;
}

/** Throws ShapeError for codes that are not rows of `width` for all scales. */
export function int8Table(device: Device, { codes, scales }: Int8Rows, width: number): Int8Table {
  const length = scales.length;
  const made = emptyTable(device, length, width);
  const requireRows = (count: number, isRight: boolean): void => {
    if (isRight) return;
    throw new ShapeError('int8Table', `${length} rows have ${length * width} codes, got ${count}`);
  };
  try {
    write(made.scales, scales);
    let count = 0;
    for (const piece of codes instanceof Int8Array ? [codes] : codes) {
      const end = count + piece.length;
      requireRows(end, end <= length * width && piece.length % width === 0);
      if (piece.length > 0) writeRows(made.table, count / width, piece);
      count = end;
    }
    requireRows(count, count === length * width);
    return made;
  } catch (error) {
    disposeTable(made);
    throw error;
  }
}

function emptyTable(device: Device, length: number, width: number): Int8Table {
  return { table: keep(empty(device, 'i8', [length, width])), scales: keep(empty(device, 'f32', [length])) };
}

/** Whole rows from `first` on. */
function writeRows(to: Tensor, first: number, elements: ArrayLike<number>): void {
  const width = to.shape[1] ?? 1;
  scope(() => write(rows(to, first, elements.length / width), elements));
}

export function disposeVocabulary(vocabulary: PackedVocabulary | undefined): void {
  if (!vocabulary) return;
  for (const table of new Set(Object.values(vocabulary) as Int8Table[])) disposeTable(table);
}

function disposeTable({ table, scales }: Int8Table): void {
  table.dispose();
  scales.dispose();
}
