import { asRows, softmaxOp } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { placesOf } from './places.ts';
import { rowPlan } from './row-plan.ts';

/** No row is longer. */
const MOST_WINDOW = 2 ** 30;

export const softmax: WebGpuKernel = webGpuKernel(
  softmaxOp,
  ({ x, position, first }, { y }, { causal, window }, context) => {
    const { rows, width } = asRows(x.shape);
    const batch = x.shape.length > 2 ? x.shape[0]! : 1;
    const shares = [
      [x, width],
      [y, width],
    ] as const;
    for (const range of context.ranges(rows, shares)) {
      const { entry, grid, team } = rowPlan(context, range.count, width);
      const part = (view: typeof x) => context.part(view, range.first * width, range.count * width);
      context.launch(
        'softmax',
        entry,
        { x: part(x), y: part(y), position, first },
        {
          ...{ rows: range.count, width, firstRow: range.first, rowsOfBatch: rows / batch },
          ...{ queries: causal ? x.shape.at(-2)! : 1, window: window > MOST_WINDOW ? 0 : window },
          places: placesOf(position, first),
        },
        grid,
        { causal, ...team },
      );
    }
  },
);
