import { DTYPES, permuteOp, type Shape, sizeOf } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { gridOver } from './elementwise.ts';
import { widestUnit } from './units.ts';

/** A dimension: its size, and how many elements a step along it is in x and in y. */
interface Axis {
  readonly size: number;
  readonly inX: number;
  readonly inY: number;
}

const NONE: Axis = { size: 1, inX: 0, inY: 0 };
/** The same as in permute.cu. */
const SIDE = 32;

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

export const permute: CudaKernel = cudaKernel(permuteOp, ({ x }, { y }, { order }, context) => {
  const axes = outputAxes(x.shape, order);
  const element = DTYPES[x.dtype].bits / 8;
  const lastOfY = axes.at(-1) ?? { size: 1, inX: 1, inY: 1 };
  if (lastOfY.inX === 1) {
    const outer = axes.slice(0, -1);
    const run = lastOfY.size * element;
    const unit = widestUnit(at(x), at(y), run, ...outer.map(({ inX }) => inX * element));
    const [d3 = NONE, d2 = NONE, d1 = NONE, d0 = NONE] = outer.reverse();
    const inUnits = ({ inX }: Axis) => (inX * element) / unit;
    const args = {
      ...{ x: at(x), y: at(y), count: (sizeOf(x.shape) * element) / unit, width: run / unit },
      ...{ size1: d1.size, size2: d2.size, size3: d3.size },
      ...{ stride0: inUnits(d0), stride1: inUnits(d1), stride2: inUnits(d2), stride3: inUnits(d3) },
    };
    context.launch(`permute_rows_${unit}`, args, gridOver(context, y));
    return;
  }
  // What is contiguous in x becomes the columns of the matrices to transpose, what is contiguous in y their rows.
  const lastOfX = axes.find(({ inX }) => inX === 1)!;
  const [d2 = NONE, d1 = NONE, d0 = NONE] = axes.filter((axis) => axis !== lastOfX && axis !== lastOfY);
  const [rowTiles, columnTiles] = [Math.ceil(lastOfY.size / SIDE), Math.ceil(lastOfX.size / SIDE)];
  const args = {
    ...{ x: at(x), y: at(y), size1: d1.size, size2: d2.size, rows: lastOfY.size, columns: lastOfX.size },
    ...{ xStride: lastOfY.inX, xStride0: d0.inX, xStride1: d1.inX, xStride2: d2.inX },
    ...{ yStride: lastOfX.inY, yStride0: d0.inY, yStride1: d1.inY, yStride2: d2.inY },
    ...{ rowTiles, columnTiles },
  };
  const tiles = rowTiles * columnTiles * d0.size * d1.size * d2.size;
  context.launch(`permute_tiles_${element as 1 | 2 | 4}`, args, [tiles]);
});
