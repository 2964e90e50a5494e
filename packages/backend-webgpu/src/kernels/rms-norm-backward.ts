import { rmsNormBackwardOp } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { launchNormGradient } from './norm-backward.ts';

export const rmsNormBackward: WebGpuKernel = webGpuKernel(
  rmsNormBackwardOp,
  ({ dy, x, weight, inverseRms, intoX, intoWeight }, { dx, dWeight }, _attrs, context) =>
    launchNormGradient(
      {
        ...{ dy, x, weight, inverseRms, dx, addToX: intoX !== undefined },
        ...{ dWeight: weight && dWeight, addToWeight: intoWeight !== undefined },
      },
      context,
    ),
);
