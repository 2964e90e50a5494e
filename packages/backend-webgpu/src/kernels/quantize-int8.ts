import { asRows } from '@qsparse/core';
import { quantizeInt8Op } from '@qsparse/quantizers';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { launchSite } from './sparsify.ts';

/** What sparsify makes of a row that it keeps whole. */
export const quantizeInt8: WebGpuKernel = webGpuKernel(quantizeInt8Op, ({ x }, { y }, _attrs, context) => {
  const { rows, width } = asRows(x.shape);
  launchSite({ x, y, k: width, block: 0, output: 'levels' }, { rows, width }, context);
});
