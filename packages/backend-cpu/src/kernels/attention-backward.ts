import { attentionBackwardOp, positionStep, ShapeError, sizeOf } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

/** Columns and keys of a tile, rows of a strip, keys of a tile in whole strips: attention-tile.h, attention-backward.c. */
const TILE = 64;
const STRIP = 6;
const KEY_ROWS = 66;
/** THREAD_SCRATCH_BYTES of kernel.h, in floats. */
const SCRATCH = 2 ** 18;
/** Rows that are held packed against a key tile. */
const ROW_BLOCKS = [66, 24, 6];
/** With fewer batches times groups than this, their keys are split up too. From sizes alone: threads change nothing. */
const ENOUGH_UNITS = 16;

function scratchFloats(rowBlock: number, size: number): number {
  const across = Math.ceil(size / TILE);
  const packed = across * (3 * TILE + 2 * KEY_ROWS + 2 * rowBlock) * TILE;
  return STRIP * TILE + packed + 2 * rowBlock * TILE + (KEY_ROWS - TILE) + 2 * (rowBlock / STRIP);
}

export const attentionBackward: CpuKernel = cpuKernel(
  attentionBackwardOp,
  ({ dy, q, k, v, y, logSumExp, position, first }, { dq, dk, dv }, { scale, window }, { temporary }) => {
    const [batch, queries, heads, size] = q.shape as [number, number, number, number];
    const [, keys, groups] = k.shape as [number, number, number];
    const rowBlock = ROW_BLOCKS.find((block) => scratchFloats(block, size) <= SCRATCH);
    if (rowBlock === undefined) {
      throw new ShapeError(
        'attention-backward',
        `heads of ${size} do not fit the CPU kernel`,
        'use smaller heads',
      );
    }
    const splits = Math.min(Math.ceil(keys / TILE), Math.ceil(ENOUGH_UNITS / (batch * groups)));
    const args = {
      ...{
        dy: at(dy),
        q: at(q),
        k: at(k),
        v: at(v),
        y: at(y),
        logSumExp: at(logSumExp),
        position: at(position),
        first: at(first),
      },
      ...{ dq: at(dq), dk: at(dk), dv: at(dv) },
      dyY: temporary(batch * queries * heads * 4),
      partialDq: splits > 1 ? temporary(splits * sizeOf(q.shape) * 4) : 0,
      ...{ batch, queries, keys, heads, groups, size, window: Math.min(window, 2 ** 31 - 1) },
      ...{ rowBlock, splits, scale, positionStep: positionStep(position) },
    };
    return [call('attention_backward', args, 2 * batch * heads * queries * keys * size)];
  },
);
