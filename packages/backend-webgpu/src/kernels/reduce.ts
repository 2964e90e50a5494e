import { asRows, reduceOp, sizeOf, type View } from '@qsparse/core';
import { type LaunchContext, type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid } from './elementwise.ts';

/** x seen as a matrix, and what becomes of it. Pieces lie in temporary memory between launches. */
interface Reduction {
  readonly x: View;
  readonly rows: number;
  readonly width: number;
  readonly y: View;
  readonly largest: boolean;
  /** What the last launch divides by. */
  readonly divisor: number;
  /** Magnitudes divided by 2^32 instead of the numbers. */
  readonly magnitudes?: boolean;
}

/** Elements of a row for one workgroup, and for one invocation. */
const TEAM_PIECE = 16_384;
const LANE_PIECE = 512;
/** Rows that are as short as this are one invocation's on every adapter. */
const NARROW = 32;
/** The same as in reduce-last.wgsl. */
const LANE_THREADS = 16;
/** Rows that one invocation adds up. */
const ROWS_OF_A_PIECE = 64;

export const reduce: WebGpuKernel = webGpuKernel(reduceOp, ({ x }, { y }, { kind, over }, context) => {
  const count = sizeOf(x.shape);
  const { rows, width } = asRows(x.shape);
  const common = { x, y, largest: kind === 'max', divisor: kind === 'mean' ? count / sizeOf(y.shape) : 1 };
  // One column is one long row.
  if (over === 'all' || (over === 'leading' && width === 1)) {
    reduceLast(context, { ...common, rows: 1, width: count });
  } else if (over === 'last') reduceLast(context, { ...common, rows, width });
  else reduceLeading(context, { ...common, rows, width });
});

/** [rows, width] to [rows]. */
export function reduceLast(context: LaunchContext, reduction: Reduction): void {
  const { x, rows, width, y, largest, divisor, magnitudes = false } = reduction;
  const lanes = context.barrierFree || width <= NARROW;
  const piece = Math.min(width, lanes ? LANE_PIECE : TEAM_PIECE);
  const pieces = Math.ceil(width / piece);
  const last = pieces === 1;
  const to = last ? y : context.temporary(4 * rows * pieces);
  const few = rows === 1 && pieces > 1;
  // A long row is cut where pieces end, many rows where rows do.
  const [items, share] = few ? [pieces, piece] : [rows, width];
  for (const { first, count } of context.ranges(items, [
    [x, share],
    [to, few ? 1 : pieces],
  ])) {
    const elements = Math.min(count * share, sizeOf(x.shape) - first * share);
    const here = few ? { rows: 1, width: elements, pieces: count } : { rows: count, width, pieces };
    const results = here.rows * here.pieces;
    const tensors = {
      x: context.part(x, first * share, elements),
      y: context.part(to, few ? first : first * pieces, results),
    };
    const args = { ...here, piece, divisor: last ? divisor : 1 };
    if (lanes) {
      const grid = context.grid(Math.ceil(results / LANE_THREADS));
      context.launch('reduce-last', 'reduce_last_lane', tensors, args, grid, { largest, magnitudes });
    } else {
      const team = Math.max(32, Math.min(256, 2 ** Math.ceil(Math.log2(piece / 8))));
      context.launch('reduce-last', 'reduce_last', tensors, args, context.grid(results), {
        largest,
        magnitudes,
        team,
      });
    }
  }
  if (!last) reduceLast(context, { ...reduction, x: to, width: pieces, magnitudes: false });
}

/** [rows, width] to [width]; `add` adds to what y holds. */
export function reduceLeading(context: LaunchContext, reduction: Reduction, add = false): void {
  const { x, rows, width, y, largest, divisor } = reduction;
  const piece = Math.min(rows, ROWS_OF_A_PIECE);
  const pieces = Math.ceil(rows / piece);
  const last = pieces === 1;
  const to = last ? y : context.temporary(4 * pieces * width);
  for (const { first, count } of context.ranges(pieces, [
    [x, piece * width],
    [to, width],
  ])) {
    const here = Math.min(count * piece, rows - first * piece);
    const tensors = {
      x: context.part(x, first * piece * width, here * width),
      y: context.part(to, first * width, count * width),
    };
    const args = { rows: here, width, piece, count: count * width, divisor: last ? divisor : 1 };
    const overrides = { largest, add: last && add };
    context.launch(
      'reduce-leading',
      'reduce_leading',
      tensors,
      args,
      flatGrid(context, count * width),
      overrides,
    );
  }
  if (!last) reduceLeading(context, { ...reduction, x: to, rows: pieces }, add);
}
