/** Embedding and head of a decoder in int8, a scale a row. */
import { type Device, keep, noGrad, type Param, ShapeError, slice, tensor } from '@qsparse/core';
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
  const codes = new Int8Array(length * width);
  const scales = new Float32Array(length);
  for (let first = 0; first < length; first += CHUNK) {
    signal?.throwIfAborted();
    const rows = noGrad(() => slice(param, 0, first, Math.min(CHUNK, length - first)));
    try {
      const encoded = encodeInt8(await rows.data(), width);
      codes.set(encoded.values, first * width);
      scales.set(encoded.scales, first);
    } finally {
      rows.dispose();
    }
  }
  return int8Table(device, { codes, scales }, width);
}

/** Rows of integers, each with what it is multiplied by. */
export interface Int8Rows {
  readonly codes: Int8Array;
  readonly scales: Float32Array;
}

/** Throws ShapeError for codes that are not rows of `width` for all scales. */
export function int8Table(device: Device, { codes, scales }: Int8Rows, width: number): Int8Table {
  const length = scales.length;
  if (codes.length !== length * width) {
    throw new ShapeError('int8Table', `${length} rows have ${length * width} codes, got ${codes.length}`);
  }
  const table = keep(tensor(device, codes, [length, width], 'i8'));
  return { table, scales: keep(tensor(device, scales, [length])) };
}

export function disposeVocabulary(vocabulary: PackedVocabulary | undefined): void {
  if (!vocabulary) return;
  for (const table of new Set(Object.values(vocabulary) as Int8Table[])) disposeTable(table);
}

function disposeTable({ table, scales }: Int8Table): void {
  table.dispose();
  scales.dispose();
}
