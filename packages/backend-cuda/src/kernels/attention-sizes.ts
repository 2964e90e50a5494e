/** What the launch code of attention and its gradient shares: sizes, and where tensor cores can be used. */
import { type AttentionAttrs, attentionSizes, type View } from '@qsparse/core';
import type { Grid } from '../launch.ts';

/** Stands for no window in attention.cuh. */
const NO_WINDOW = 2 ** 30;
const KIB = 2 ** 10;
/** Shared memory that a block gets at most, by compute capability; others: 99 KiB, below 8.0 64 KiB. */
const MOST_SHARED: Readonly<Record<number, number>> = {
  80: 163 * KIB,
  87: 163 * KIB,
  90: 227 * KIB,
  100: 227 * KIB,
  103: 227 * KIB,
};
/** Head sizes with kernels for tensor cores. */
const TENSOR_WIDTHS = [32, 64, 96, 128] as const;
export type TensorWidth = (typeof TENSOR_WIDTHS)[number];
/** Rows of a tile, columns of a slice and of a block of attention-general.cuh. */
const TILE = 64;
const MOST_COLUMNS = 256;

/** The fields that every kernel has. */
export interface AttentionNumbers {
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  readonly groups: number;
  readonly width: number;
  readonly window: number;
  readonly scale: number;
}

export function attentionNumbers(q: View, k: View, { scale, window }: AttentionAttrs): AttentionNumbers {
  const sizes = attentionSizes('attention', q.shape, k.shape, k.shape);
  return { ...sizes, scale, window: window === 0 ? NO_WINDOW : Math.min(window, NO_WINDOW) };
}

export function mostShared(computeCapability: number): number {
  return MOST_SHARED[computeCapability] ?? (computeCapability < 80 ? 64 : 99) * KIB;
}

/** The head size where tensor cores can be used: bf16 in 16-byte vectors, scale above 0, 32-bit offsets in a batch. */
export function tensorWidth(
  { queries, keys, heads, groups, width, scale }: AttentionNumbers,
  views: readonly View[],
  computeCapability: number,
): TensorWidth | undefined {
  if (computeCapability < 80 || scale <= 0) return undefined;
  if (views.some(({ dtype, slot, offset }) => dtype !== 'bf16' || (slot + offset) % 16 !== 0))
    return undefined;
  if (Math.max(queries * heads, keys * groups) * width >= 2 ** 31) return undefined;
  return TENSOR_WIDTHS.find((one) => one === width);
}

/** Which attention-general kernel takes a head size, and its blocks for `pairs` and tiles of `rows`. */
export function generalPlan(
  width: number,
  pairs: number,
  rows: number,
): { columns: 64 | 128 | 256; grid: Grid } {
  const columns = width <= 64 ? 64 : width <= 128 ? 128 : MOST_COLUMNS;
  return { columns, grid: [pairs, Math.ceil(rows / TILE), Math.ceil(width / MOST_COLUMNS)] };
}

/** How many of `pairs`, `bytes` each, are worked on at a time so that they fit `cache` bytes of the L2 cache. */
export function pairsTogether(pairs: number, bytes: number, cache: number): number {
  return Math.min(pairs, Math.max(1, Math.floor(cache / bytes)));
}
