import { asRows } from '@qsparse/core';
import { selectOp } from '@qsparse/quantizers';
import { type CudaKernel, cudaKernel } from '../launch.ts';
import { launchSite } from './sparsify.ts';

/** What sparsify keeps, as 0 and 1. */
export const select: CudaKernel = cudaKernel(selectOp, ({ x }, { mask }, { k, block }, context) =>
  launchSite({ x, y: mask, k, block, output: 'mask' }, asRows(x.shape), context),
);
