import { asRows, rmsNormOp } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { type Resident, rowBlocks, rowTeam } from './row-team.ts';

const RESIDENT: Resident = { narrow: 4, warp: 4, warps: 8, block: 4, any: 6 };

export const rmsNorm: CudaKernel = cudaKernel(
  rmsNormOp,
  ({ x, weight }, { y, inverseRms }, { epsilon }, context) => {
    const { rows, width } = asRows(x.shape);
    const team = rowTeam(width, [x, weight, y]);
    const args = {
      ...{ x: at(x), weight: at(weight), y: at(y), inverseRms: at(inverseRms) },
      ...{ rows, width, weightIsBf16: weight?.dtype === 'bf16' ? 1 : 0, epsilon },
    };
    const kernel = x.dtype === 'f32' ? (`rms_norm_${team}_f32` as const) : (`rms_norm_${team}_bf16` as const);
    context.launch(kernel, args, [rowBlocks(team, rows, RESIDENT, context)]);
  },
);
