import { DTYPES, permuteOp, type Shape, sizeOf } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

/** A dimension: its size, and how many elements a step along it is in x and in y. */
interface Axis {
  readonly size: number;
  readonly inX: number;
  readonly inY: number;
}

const NONE: Axis = { size: 1, inX: 0, inY: 0 };

/** The dimensions of y, without those of size 1; neighbours that are neighbours in x too become one. */
function outputAxes(shape: Shape, order: readonly number[]): Axis[] {
  const axes: Axis[] = [];
  let inY = sizeOf(shape);
  for (const k of order) {
    const size = shape[k]!;
    const inX = sizeOf(shape.slice(k + 1));
    inY /= size;
    if (size === 1) continue;
    const before = axes.at(-1);
    if (before?.inX === size * inX) axes[axes.length - 1] = { size: before.size * size, inX, inY };
    else axes.push({ size, inX, inY });
  }
  return axes;
}

export const permute: CpuKernel = cpuKernel(permuteOp, ({ x }, { y }, { order }) => {
  const axes = outputAxes(x.shape, order);
  const common = { x: at(x), y: at(y), elementBytes: DTYPES[x.dtype].bits / 8 };
  const count = sizeOf(x.shape);
  const lastOfY = axes.at(-1) ?? { size: 1, inX: 1, inY: 1 };
  if (lastOfY.inX === 1) {
    const [d0 = NONE, d1 = NONE, d2 = NONE, d3 = NONE] = axes.slice(0, -1).reverse();
    const sizes = { size0: d3.size, size1: d2.size, size2: d1.size, size3: d0.size };
    const strides = { stride0: d3.inX, stride1: d2.inX, stride2: d1.inX, stride3: d0.inX };
    return [call('permute_rows', { ...common, ...sizes, ...strides, width: lastOfY.size }, count)];
  }
  // What is contiguous in x becomes the columns of the matrices to transpose, what is contiguous in y their rows.
  const lastOfX = axes.find(({ inX }) => inX === 1)!;
  const [d0 = NONE, d1 = NONE, d2 = NONE] = axes.filter((axis) => axis !== lastOfX && axis !== lastOfY);
  const sizes = { size0: d0.size, size1: d1.size, size2: d2.size };
  const xStrides = { xStride0: d0.inX, xStride1: d1.inX, xStride2: d2.inX, xStride: lastOfY.inX };
  const yStrides = { yStride0: d0.inY, yStride1: d1.inY, yStride2: d2.inY, yStride: lastOfX.inY };
  const matrix = { rows: lastOfY.size, columns: lastOfX.size };
  return [call('permute_tiles', { ...common, ...sizes, ...xStrides, ...yStrides, ...matrix }, 2 * count)];
});
