import { castOp, castStraightThroughOp, type DType, sizeOf, type View } from '@qsparse/core';
import type { KernelName } from '../generated/kernel-arguments.ts';
import { at, type CudaKernel, cudaKernel, type LaunchContext } from '../launch.ts';
import { gridOver } from './elementwise.ts';

type CastName = Extract<KernelName, `cast_${string}`>;

/** From, then to; the op takes no packed dtype and no equal ones. */
const KERNELS: Readonly<Partial<Record<DType, Partial<Record<DType, CastName>>>>> = {
  f32: { bf16: 'cast_f32_bf16', i32: 'cast_f32_i32', i8: 'cast_f32_i8' },
  bf16: { f32: 'cast_bf16_f32', i32: 'cast_bf16_i32', i8: 'cast_bf16_i8' },
  i32: { f32: 'cast_i32_f32', bf16: 'cast_i32_bf16', i8: 'cast_i32_i8' },
  i8: { f32: 'cast_i8_f32', bf16: 'cast_i8_bf16', i32: 'cast_i8_i32' },
};

export const cast: CudaKernel = cudaKernel(castOp, launchCast);
export const castStraightThrough: CudaKernel = cudaKernel(castStraightThroughOp, launchCast);

function launchCast(
  { x }: { readonly x: View },
  { y }: { readonly y: View },
  _attrs: unknown,
  context: LaunchContext,
): void {
  context.launch(
    KERNELS[x.dtype]![y.dtype]!,
    { x: at(x), y: at(y), count: sizeOf(x.shape) },
    gridOver(context, x, y),
  );
}
