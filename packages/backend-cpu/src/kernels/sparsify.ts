/** Two ops, one kernel: they differ in the gradient alone. */
import { asRows, type Inputs, type View } from '@qsparse/core';
import { type SparsifyAttrs, sparsifyOp, sparsifyStraightThroughOp } from '@qsparse/quantizers';
import { at, type CpuKernel, call, cpuKernel, type Launch } from '../launch.ts';

/** Elementary operations per element, with the search for the cut. */
export const SPARSIFY_WORK = 20;

function launch(
  { x, weight }: Inputs<View, 'x', 'weight'>,
  { y, inverseRms }: Readonly<Record<'y' | 'inverseRms', View>>,
  { k, block, int8, normalize, epsilon }: SparsifyAttrs,
): readonly Launch[] {
  const { rows, width } = asRows(x.shape);
  const args = {
    ...{ x: at(x), weight: at(weight), y: at(y), inverseRms: normalize ? at(inverseRms) : 0 },
    ...{ rows, width, keep: k, block, int8: int8 ? 1 : 0, normalize: normalize ? 1 : 0, epsilon },
  };
  return [call('sparsify', args, SPARSIFY_WORK * rows * width)];
}

export const sparsify: CpuKernel = cpuKernel(sparsifyOp, launch);
export const sparsifyStraightThrough: CpuKernel = cpuKernel(sparsifyStraightThroughOp, launch);
