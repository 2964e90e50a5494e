import { byteLength, sizeOf } from '@qsparse/core';
import { packTernaryOp } from '@qsparse/quantizers';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid } from './elementwise.ts';
import { copyRuns } from './movement.ts';

/** Outputs and words of a block. */
const [BLOCK, BLOCK_WORDS] = [256, 16];
/** The same as in pack-ternary.wgsl. */
const SIDE = 16;

export const packTernary: WebGpuKernel = webGpuKernel(packTernaryOp, ({ w }, { y }, _attrs, context) => {
  const [outputs, inputs] = w.shape as [number, number];
  const bytes = y.shape[1]!;
  const blocks = bytes / (4 * BLOCK_WORDS);
  // y begins inside of a word in tests alone: whole words are made elsewhere then.
  const isAligned = context.isAligned(y, 4);
  const target = isAligned ? y : context.temporary(inputs * bytes, 'i8');
  for (const channels of context.ranges(inputs, [[target, bytes]])) {
    const part = context.part(target, channels.first * bytes, channels.count * bytes);
    for (const { first, count } of context.ranges(blocks, [[w, BLOCK * inputs]])) {
      const rows = Math.min(BLOCK * count, outputs - BLOCK * first);
      const words = BLOCK_WORDS * count;
      const args = {
        ...{ outputs: rows, channels: channels.count, inputs, first: channels.first },
        ...{ row: bytes / 4, firstWord: BLOCK_WORDS * first, words },
      };
      const tensors = { w: context.part(w, BLOCK * first * inputs, rows * inputs), y: part };
      const items = Math.ceil(channels.count / SIDE) * SIDE * words;
      const overrides = { halves: w.dtype === 'bf16' };
      context.launch('pack-ternary', 'pack_ternary', tensors, args, flatGrid(context, items), overrides);
    }
  }
  if (isAligned) return;
  const length = byteLength(y.dtype, sizeOf(y.shape));
  copyRuns(context, {
    x: { view: target, offset: target.offset, stride: length },
    y: { view: y, offset: y.offset, stride: length },
    ...{ runs: 1, length },
  });
});
