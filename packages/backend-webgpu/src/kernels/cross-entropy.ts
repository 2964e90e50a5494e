import { asRows, crossEntropyOp } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { rowPlan } from './row-plan.ts';

/** Threads of the one workgroup that takes the mean. */
const MEAN_TEAM = 256;
const MEAN_TEAM_OF_SOFTWARE = 16;

export const crossEntropy: WebGpuKernel = webGpuKernel(
  crossEntropyOp,
  ({ logits, targets }, { loss, logSumExp, count }, _attrs, context) => {
    const { rows, width } = asRows(logits.shape);
    const rowLosses = context.temporary(rows * 4);
    for (const { first, count: here } of context.ranges(rows, [[logits, width]])) {
      const { entry, grid, team } = rowPlan(context, here, width);
      context.launch(
        'cross-entropy',
        entry,
        {
          logits: context.part(logits, first * width, here * width),
          targets: context.part(targets, first, here),
          log_sum_exp: context.part(logSumExp, first, here),
          row_losses: context.part(rowLosses, first, here),
        },
        { rows: here, width },
        grid,
        team,
      );
    }
    context.launch(
      'cross-entropy-mean',
      'mean',
      { row_losses: rowLosses, targets, loss, count },
      { rows },
      [1, 1, 1],
      { team: context.barrierFree ? MEAN_TEAM_OF_SOFTWARE : MEAN_TEAM },
    );
  },
);
