/** As attention.ts. */
import { attentionBackwardOp } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { attendBackwardInBlocks } from './attention-blocks.ts';
import { attentionNumbers, weightsPlan } from './attention-sizes.ts';
import { attendBackwardInTiles } from './attention-tiles.ts';

export const attentionBackward: WebGpuKernel = webGpuKernel(
  attentionBackwardOp,
  ({ dy, q, k, v, y, logSumExp, position, first }, outs, attrs, context) => {
    const views = { dy, q, k, v, y, logSumExp, position, first, ...outs };
    const numbers = attentionNumbers(views, attrs);
    const plan = context.barrierFree ? weightsPlan(numbers, 2, context.maxBinding) : undefined;
    if (plan) attendBackwardInBlocks(views, numbers, plan, context);
    else attendBackwardInTiles(views, numbers, context);
  },
);
