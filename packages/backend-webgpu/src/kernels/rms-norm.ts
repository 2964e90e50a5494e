import { asRows, rmsNormOp } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { launchSite } from './sparsify.ts';

/** What sparsify does before it selects. */
export const rmsNorm: WebGpuKernel = webGpuKernel(
  rmsNormOp,
  ({ x, weight }, { y, inverseRms }, { epsilon }, context) => {
    const { rows, width } = asRows(x.shape);
    const site = { x, y, weight, inverseRms, epsilon, k: width, block: 0, output: 'everything' } as const;
    launchSite(site, { rows, width }, context);
  },
);
