import { asRows } from '@qsparse/core';
import { selectOp } from '@qsparse/quantizers';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { launchSite } from './sparsify.ts';

/** What sparsify keeps, as 0 and 1. */
export const select: WebGpuKernel = webGpuKernel(selectOp, ({ x }, { mask }, { k, block }, context) =>
  launchSite({ x, y: mask, k, block, output: 'mask' }, asRows(x.shape), context),
);
