import { asRows, type ReduceAttrs, reduceOp, sizeOf } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

/** The same order as in reduce.c. */
const KINDS: Readonly<Record<ReduceAttrs['kind'], number>> = { sum: 0, mean: 1, max: 2 };

export const reduce: CpuKernel = cpuKernel(reduceOp, ({ x }, { y }, { kind, over }) => {
  const count = sizeOf(x.shape);
  const common = { x: at(x), y: at(y), kind: KINDS[kind] };
  if (over === 'all') return [call('reduce_last', { ...common, rows: 1, n: count }, count)];
  const { rows, width } = asRows(x.shape);
  if (over === 'last') return [call('reduce_last', { ...common, rows, n: width }, count + 4 * rows)];
  // One column is one long row.
  if (width === 1) return [call('reduce_last', { ...common, rows: 1, n: rows }, count)];
  return [call('reduce_leading', { ...common, rows, n: width }, count)];
});
