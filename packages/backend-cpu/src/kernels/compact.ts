import { asRows, type View } from '@qsparse/core';
import { compactOp } from '@qsparse/quantizers';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

/** Where the C struct `list` of row-list.h finds its parts; values are floats, or codes with a scale. */
export function listAddresses(
  { indices, values, count, scale }: Readonly<Record<'indices' | 'values' | 'count' | 'scale', View>>,
  int8: boolean,
): Readonly<Record<'indices' | 'values' | 'codes' | 'count' | 'scale', number>> {
  const levels = { values: 0, codes: at(values), scale: at(scale) };
  const floats = { values: at(values), codes: 0, scale: 0 };
  return { indices: at(indices), count: at(count), ...(int8 ? levels : floats) };
}

export const compact: CpuKernel = cpuKernel(compactOp, ({ x }, outs, { k, int8 }) => {
  const { rows, width } = asRows(x.shape);
  return [
    call('compact', { x: at(x), ...listAddresses(outs, int8), rows, width, keep: k }, 2 * rows * width),
  ];
});
