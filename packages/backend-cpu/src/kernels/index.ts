/** Every kernel of this backend, found by its op object. */
import type { AnyOp } from '@qsparse/core';
import type { CpuKernel } from '../launch.ts';
import { elementwiseKernels } from './elementwise.ts';
import { fill } from './fill.ts';
import { matmul } from './matmul.ts';
import { modelKernels } from './model.ts';

const kernels: readonly CpuKernel[] = [fill, matmul, ...elementwiseKernels, ...modelKernels];

export const kernelsByOp: ReadonlyMap<AnyOp, CpuKernel> = new Map(
  kernels.map((kernel) => [kernel.op, kernel]),
);
