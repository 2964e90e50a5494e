import { asRows, DTYPES, reduceOp, sizeOf } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel, type LaunchContext } from '../launch.ts';
import { planRows } from './rows.ts';

type Float = 'f32' | 'bf16';

/** A matrix in memory, and how it is reduced. Pieces lie in float32 between launches. */
interface Reduction {
  readonly address: number;
  readonly dtype: Float;
  readonly rows: number;
  readonly width: number;
  readonly to: { readonly address: number; readonly dtype: Float };
  readonly largest: 0 | 1;
  /** What the last launch divides by. */
  readonly divisor: number;
}

/** Elements of a row that one block takes. */
const PIECE = 16_384;
/** Threads of a block. */
const THREADS = 256;
/** Rows that one thread takes where there are many, and where all of them go to one block. */
const ROWS_PER_THREAD = 16;
const MOST_ROWS_PER_THREAD = 32;
/** Vectors side by side that a block takes, at most: whole lines of the caches. */
const MOST_ACROSS = 32;

export const reduce: CudaKernel = cudaKernel(reduceOp, ({ x }, { y }, { kind, over }, context) => {
  const count = sizeOf(x.shape);
  const { rows, width } = asRows(x.shape);
  const common = {
    ...{ address: at(x), dtype: x.dtype as Float, to: { address: at(y), dtype: y.dtype as Float } },
    largest: kind === 'max' ? (1 as const) : (0 as const),
    divisor: kind === 'mean' ? count / sizeOf(y.shape) : 1,
  };
  // One column is one long row.
  if (over === 'all' || (over === 'leading' && width === 1))
    reduceLast(context, { ...common, rows: 1, width: count });
  else if (over === 'last') reduceLast(context, { ...common, rows, width });
  else reduceLeading(context, { ...common, rows, width });
});

/** [rows, width] to [rows]. */
function reduceLast(context: LaunchContext, reduction: Reduction): void {
  const { address, dtype, rows, width, to, largest, divisor } = reduction;
  const pieces = Math.ceil(width / PIECE);
  const piece = Math.min(width, PIECE);
  const last = pieces === 1;
  const target = last ? to : { address: context.temporary(rows * pieces * 4), dtype: 'f32' as const };
  const args = {
    x: address,
    y: target.address,
    rows,
    width,
    piece,
    pieces,
    divisor: last ? divisor : 1,
    largest,
  };
  const { group, grid } = planRows(rows * pieces, piece);
  if (dtype === target.dtype) context.launch(`reduce_last_${group}_${dtype}`, args, grid);
  else if (dtype === 'bf16') context.launch('reduce_last_block_bf16_f32', args, grid);
  else context.launch(`reduce_last_${group}_f32_bf16`, args, grid);
  if (!last) reduceLast(context, { ...reduction, ...target, width: pieces });
}

/** [rows, width] to [width]. */
function reduceLeading(context: LaunchContext, reduction: Reduction): void {
  const { address, dtype, rows, width, to, largest, divisor } = reduction;
  const perVector = 128 / DTYPES[dtype].bits;
  const wide = address % 16 === 0 && width % perVector === 0;
  const columns = wide ? width / perVector : width;
  const across = Math.min(MOST_ACROSS, 2 ** Math.ceil(Math.log2(columns)));
  const down = THREADS / across;
  const piece = rows <= down * MOST_ROWS_PER_THREAD ? rows : down * ROWS_PER_THREAD;
  const pieces = Math.ceil(rows / piece);
  const last = pieces === 1;
  const target = last ? to : { address: context.temporary(pieces * width * 4), dtype: 'f32' as const };
  const columnBlocks = Math.ceil(columns / across);
  const args = {
    ...{ x: address, y: target.address, rows, width, piece, divisor: last ? divisor : 1 },
    ...{ columns, columnBlocks, across, wide: wide ? 1 : 0, largest },
  };
  const pair = dtype === target.dtype ? dtype : (`${dtype}_${target.dtype}` as 'f32_bf16' | 'bf16_f32');
  context.launch(`reduce_leading_${pair}`, args, [columnBlocks * pieces]);
  if (!last) reduceLeading(context, { ...reduction, ...target, rows: pieces });
}
