import { castOp, castStraightThroughOp, type DType, sizeOf, type View } from '@qsparse/core';
import { type LaunchContext, type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid } from './elementwise.ts';
import { elementBytes } from './movement.ts';

/** The same order as in cast.wgsl; the op takes no packed dtype. */
const DTYPE_NUMBERS: Readonly<Partial<Record<DType, number>>> = { f32: 0, bf16: 1, i32: 2, i8: 3 };

export const cast: WebGpuKernel = webGpuKernel(castOp, launchCast);
export const castStraightThrough: WebGpuKernel = webGpuKernel(castStraightThroughOp, launchCast);

function launchCast(
  { x }: { readonly x: View },
  { y }: { readonly y: View },
  _attrs: unknown,
  context: LaunchContext,
): void {
  const overrides = { source: DTYPE_NUMBERS[x.dtype]!, target_type: DTYPE_NUMBERS[y.dtype]! };
  const shares = [
    [x, 1],
    [y, 1],
  ] as const;
  for (const { first, count } of context.ranges(sizeOf(x.shape), shares)) {
    const tensors = { x: context.part(x, first, count), y: context.part(y, first, count) };
    // A word more, since y may begin inside one.
    const words = Math.ceil((count * elementBytes(y)) / 4) + 1;
    context.launch('cast', 'cast_elements', tensors, { count }, flatGrid(context, words), overrides);
  }
}
