import { globalNormOp, sizeOf, type View } from '@qsparse/core';
import { type LaunchContext, type WebGpuKernel, webGpuKernel } from '../launch.ts';

/** Elements, and then triples of sums, for one workgroup and for one invocation. */
const TEAM_PIECE = 16_384;
const LANE_PIECE = 1024;
/** The same as in global-norm.wgsl. */
const LANE_THREADS = 16;
/** Floats of a triple. */
const TRIPLE = 3;

export const globalNorm: WebGpuKernel = webGpuKernel(globalNormOp, ({ x }, { norm }, _attrs, context) => {
  const piece = context.barrierFree ? LANE_PIECE : TEAM_PIECE;
  const count = sizeOf(x.shape);
  const pieces = Math.ceil(count / piece);
  const sums = context.temporary(4 * TRIPLE * pieces);
  for (const { first, count: here } of context.ranges(pieces, [
    [x, piece],
    [sums, TRIPLE],
  ])) {
    const elements = Math.min(here * piece, count - first * piece);
    const tensors = {
      x: context.part(x, first * piece, elements),
      y: context.part(sums, first * TRIPLE, here * TRIPLE),
    };
    const args = { count: elements, piece, pieces: here };
    if (context.barrierFree) {
      context.launch('global-norm', 'global_norm_lane', tensors, args, laneGrid(context, here));
    } else context.launch('global-norm', 'global_norm', tensors, args, context.grid(here));
  }
  join(context, sums, pieces, norm);
});

/** The norm of `count` triples. */
function join(context: LaunchContext, sums: View, count: number, norm: View): void {
  const piece = context.barrierFree ? LANE_PIECE : TEAM_PIECE;
  const pieces = Math.ceil(count / piece);
  const y = pieces === 1 ? norm : context.temporary(4 * TRIPLE * pieces);
  const args = { count, piece, pieces };
  if (context.barrierFree) {
    context.launch('global-norm', 'join_norms_lane', { x: sums, y }, args, laneGrid(context, pieces));
  } else context.launch('global-norm', 'join_norms', { x: sums, y }, args, context.grid(pieces));
  if (pieces > 1) join(context, y, pieces, norm);
}

const laneGrid = (context: LaunchContext, pieces: number) => context.grid(Math.ceil(pieces / LANE_THREADS));
