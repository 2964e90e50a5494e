import { permuteOp, type Shape, sizeOf, type View } from '@qsparse/core';
import { type LaunchContext, type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid } from './elementwise.ts';
import { copyRuns, elementBytes, unitOf, wordsAt } from './movement.ts';

/** A dimension of y: its size, and how many elements a step along it is in x and in y. */
interface Axis {
  readonly size: number;
  readonly inX: number;
  readonly inY: number;
}

const NONE: Axis = { size: 1, inX: 0, inY: 0 };
/** The same as in permute-tiles.wgsl. */
const SIDE = 32;
/** A side of a matrix from which on tiles are worth their barriers. */
const SMALLEST_SIDE = 8;

/** The dimensions of y without those of size 1; neighbours that are neighbours in x too become one. */
function outputAxes(shape: Shape, order: readonly number[]): Axis[] {
  const axes: Axis[] = [];
  let inY = sizeOf(shape);
  for (const dimension of order) {
    const size = shape[dimension]!;
    const inX = sizeOf(shape.slice(dimension + 1));
    inY /= size;
    if (size === 1) continue;
    const before = axes.at(-1);
    if (before?.inX === size * inX) axes[axes.length - 1] = { size: before.size * size, inX, inY };
    else axes.push({ size, inX, inY });
  }
  return axes;
}

export const permute: WebGpuKernel = webGpuKernel(permuteOp, ({ x }, { y }, { order }, context) =>
  permuteInto(x, y, order, context),
);

/** Cuts x along its first dimension where it is larger than one binding. */
function permuteInto(x: View, y: View, order: readonly number[], context: LaunchContext): void {
  const { shape, dtype } = x;
  if (context.ranges(sizeOf(shape), [[x, 1]]).length === 1) {
    permuteWhole(x, y, order, context);
    return;
  }
  const dimension = shape.findIndex((size) => size > 1);
  const size = shape[dimension]!;
  const slice = sizeOf(shape) / size;
  const [before, after] = around(shape, order, dimension);
  const element = elementBytes(x);
  const ranges = context.ranges(size, [[x, slice]]);
  // What is apart in y is made side by side first. All ranges use the same memory: they run one after the other.
  const together = before > 1 ? context.temporary(ranges[0]!.count * slice * element, dtype) : undefined;
  for (const { first, count } of ranges) {
    const from = { ...context.part(x, first * slice, count * slice), shape: shape.with(dimension, count) };
    const length = count * after;
    if (!together) {
      permuteInto(from, context.part(y, first * after, length), order, context);
      continue;
    }
    permuteInto(from, context.part(together, 0, count * slice), order, context);
    copyRuns(context, {
      x: { view: together, offset: together.offset, stride: length * element },
      y: { view: y, offset: y.offset + first * after * element, stride: size * after * element },
      runs: before,
      length: length * element,
    });
  }
}

/** How many elements y's dimensions before and after `dimension` of x have. */
function around(shape: Shape, order: readonly number[], dimension: number): [before: number, after: number] {
  const sizes = order.map((axis) => shape[axis]!);
  const place = order.indexOf(dimension);
  return [sizeOf(sizes.slice(0, place)), sizeOf(sizes.slice(place + 1))];
}

function permuteWhole(x: View, y: View, order: readonly number[], context: LaunchContext): void {
  const axes = outputAxes(x.shape, order);
  const element = elementBytes(x);
  const last = axes.at(-1) ?? { size: 1, inX: 1, inY: 1 };
  const keepsRuns = last.inX === 1;
  const steps = keepsRuns
    ? [last.size * element, ...axes.slice(0, -1).map(({ inX }) => inX * element)]
    : [element];
  const unit = unitOf(1, x.offset, y.offset, ...steps);
  if (!context.barrierFree && !keepsRuns && unit === 4 && launchTiles(x, y, axes, context)) return;
  const size = unit === 1 ? element : unit;
  const inUnits = ({ inX }: Axis) => (inX * element) / size;
  const inner = keepsRuns
    ? { size: (last.size * element) / size, stride: 1 }
    : { size: last.size, stride: inUnits(last) };
  const [d3 = NONE, d2 = NONE, d1 = NONE, d0 = NONE] = axes.slice(0, -1).reverse();
  const bytes = sizeOf(x.shape) * element;
  const count = bytes / size;
  const args = {
    ...{ count, size1: d1.size, size2: d2.size, size3: d3.size, size4: inner.size },
    ...{ stride0: inUnits(d0), stride1: inUnits(d1), stride2: inUnits(d2), stride3: inUnits(d3) },
    stride4: inner.stride,
  };
  if (unit > 1) {
    const module = unit === 16 ? 'permute-vec4' : 'permute';
    const tensors = { x: wordsAt(x, x.offset, bytes), y: wordsAt(y, y.offset, bytes) };
    context.launch(module, 'permute', tensors, args, flatGrid(context, count));
    return;
  }
  const words = Math.ceil(bytes / 4) + 1;
  context.launch('permute-parts', 'permute', { x, y }, args, flatGrid(context, words), {
    per_word: 4 / element,
  });
}

/** Transposes in tiles. False where the matrices are too thin for them. */
function launchTiles(x: View, y: View, axes: readonly Axis[], context: LaunchContext): boolean {
  // What is contiguous in x becomes the columns of the matrices to transpose, what is contiguous in y their rows.
  const lastOfX = axes.find(({ inX }) => inX === 1)!;
  const lastOfY = axes.at(-1)!;
  if (Math.min(lastOfX.size, lastOfY.size) < SMALLEST_SIDE) return false;
  const [d2 = NONE, d1 = NONE, d0 = NONE] = axes.filter((axis) => axis !== lastOfX && axis !== lastOfY);
  const [rowTiles, columnTiles] = [Math.ceil(lastOfY.size / SIDE), Math.ceil(lastOfX.size / SIDE)];
  const tiles = rowTiles * columnTiles * d0.size * d1.size * d2.size;
  const args = {
    ...{
      tiles,
      rows: lastOfY.size,
      columns: lastOfX.size,
      rowTiles,
      columnTiles,
      size1: d1.size,
      size2: d2.size,
    },
    ...{ xStride: lastOfY.inX, xStride0: d0.inX, xStride1: d1.inX, xStride2: d2.inX },
    ...{ yStride: lastOfX.inY, yStride0: d0.inY, yStride1: d1.inY, yStride2: d2.inY },
  };
  context.launch('permute-tiles', 'permute_tiles', { x, y }, args, context.grid(tiles));
  return true;
}
