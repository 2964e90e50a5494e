/** Weights in memory on software adapters, where barriers are slow; tiles in workgroup memory elsewhere. */
import { attentionOp } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { attendInBlocks } from './attention-blocks.ts';
import { attentionNumbers, weightsPlan } from './attention-sizes.ts';
import { attendInTiles } from './attention-tiles.ts';

export const attention: WebGpuKernel = webGpuKernel(
  attentionOp,
  ({ q, k, v, position, first }, { y, logSumExp }, attrs, context) => {
    const views = { q, k, v, y, logSumExp, position, first };
    const numbers = attentionNumbers(views, attrs);
    const plan = context.barrierFree ? weightsPlan(numbers, 1, context.maxBinding) : undefined;
    if (plan) attendInBlocks(views, numbers, plan, context);
    else attendInTiles(views, numbers, context);
  },
);
