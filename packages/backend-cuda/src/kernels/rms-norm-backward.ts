import { asRows, rmsNormBackwardOp, type View } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel, type LaunchContext } from '../launch.ts';
import { type GradientBlocks, gradientParts, gradientTeam, launchWeightGradient } from './norm-backward.ts';

const RESIDENT: GradientBlocks = { narrow: 2, warp: 2, warps: 4, block: 2 };
/** Blocks of 256 threads that the row sums of odd rows are shared out among, for each multiprocessor. */
const DOT_BLOCKS = 6;

export interface NormGradient {
  readonly dy: View;
  readonly x: View;
  readonly inverseRms: View;
  readonly weight?: View | undefined;
  /** What is added to; where it is given, the result is in its place. */
  readonly intoX?: View | undefined;
  readonly intoWeight?: View | undefined;
  /** May be x. */
  readonly dx: View;
  /** There when weight is. */
  readonly dWeight?: View | undefined;
}

/** Enqueues the gradients of RMSNorm. */
export function launchNormGradient(norm: NormGradient, context: LaunchContext): void {
  const { dy, x, weight, inverseRms, intoX, intoWeight, dx, dWeight } = norm;
  const { rows, width } = asRows(x.shape);
  const team = gradientTeam(width, [x, dy, weight, dx]);
  const parts = gradientParts(team, rows, RESIDENT);
  const partial = weight ? context.temporary(4 * parts * width) : 0;
  const args = {
    ...{ dy: at(dy), x: at(x), weight: at(weight), inverseRms: at(inverseRms), dx: at(dx), partial },
    ...{ bends: team === 'any' ? context.temporary(4 * rows) : 0, rows, width, chunks: parts },
    ...{ weightIsBf16: weight?.dtype === 'bf16' ? 1 : 0, dxIsF32: dx.dtype === 'f32' ? 1 : 0 },
    addToX: intoX ? 1 : 0,
  };
  const float32 = x.dtype === 'f32';
  if (team === 'any') {
    const blocks = Math.min(rows, DOT_BLOCKS * context.multiprocessors);
    context.launch(float32 ? 'rms_norm_backward_dots_f32' : 'rms_norm_backward_dots_bf16', args, [blocks]);
  }
  const kernel = float32
    ? (`rms_norm_backward_${team}_f32` as const)
    : (`rms_norm_backward_${team}_bf16` as const);
  context.launch(kernel, args, team === 'any' ? [Math.ceil(width / 256), parts] : [parts]);
  if (weight) launchWeightGradient(partial, dWeight!, { parts, add: intoWeight !== undefined }, context);
}

export const rmsNormBackward: CudaKernel = cudaKernel(
  rmsNormBackwardOp,
  (ins, { dx, dWeight }, _attrs, context) => launchNormGradient({ ...ins, dx, dWeight }, context),
);
