/** Many rows go through tiles, a handful through the kernel that reads keys in place. */
import { attentionOp, positionStep, ShapeError } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

/** Rows of one key-value head up to which reading keys in place is faster than packing them (measured). */
const FEW_ROWS = 6;
/** Keys a chunk in attention-few.c, and what it keeps of a row beside the values. */
const CHUNK = 128;
const PARTIAL_HEADER = 4;

/** Columns and keys of a tile, rows of a strip: attention-tile.h. */
const TILE = 64;
const STRIP = 6;
/** THREAD_SCRATCH_BYTES of kernel.h, in floats. */
const SCRATCH = 2 ** 18;
/** Rows that share a packed key tile. Fewer make more units of work. */
const ROW_BLOCKS = [192, 96, 48, 24, 12, 6];
const ENOUGH_UNITS = 16;

function scratchFloats(rowBlock: number, size: number): number {
  const across = Math.ceil(size / TILE);
  return STRIP * TILE + across * (2 * rowBlock + 2 * TILE) * TILE + 4 * rowBlock;
}

function rowBlockOf(rows: number, pairs: number, size: number): number {
  const units = (block: number) => pairs * Math.ceil(rows / block);
  const fits = (block: number) => scratchFloats(block, size) <= SCRATCH;
  const block = ROW_BLOCKS.find((b) => fits(b) && (b <= 48 || units(b) >= ENOUGH_UNITS));
  if (block === undefined) {
    throw new ShapeError('attention', `heads of ${size} do not fit the CPU kernel`, 'use smaller heads');
  }
  return block;
}

export const attention: CpuKernel = cpuKernel(
  attentionOp,
  ({ q, k, v, position, first }, { y, logSumExp }, { scale, window }, { temporary }) => {
    const [batch, queries, heads, size] = q.shape as [number, number, number, number];
    const [, keys, groups] = k.shape as [number, number, number];
    const shared = {
      ...{ q: at(q), k: at(k), v: at(v), position: at(position), first: at(first) },
      ...{ y: at(y), logSumExp: at(logSumExp), positionStep: positionStep(position) },
      ...{ batch, queries, keys, heads, groups, size, scale, window: Math.min(window, 2 ** 31 - 1) },
    };
    const work = batch * heads * queries * keys * size;
    const rows = (queries * heads) / groups;
    if (rows <= FEW_ROWS) {
      const floats = PARTIAL_HEADER + Math.ceil(size / 4) * 4;
      const partial = temporary(Math.ceil(keys / CHUNK) * batch * queries * heads * floats * 4);
      return [call('attention_few', { ...shared, partial }, work)];
    }
    return [call('attention', { ...shared, rowBlock: rowBlockOf(rows, batch * groups, size) }, work)];
  },
);
