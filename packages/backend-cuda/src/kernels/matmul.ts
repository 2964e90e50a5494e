import { matmulOp, matmulSizes } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { launchOwnGemm } from '../matmul/own-kernel.ts';
import { type GemmDType, gemmPlan } from '../matmul/plan.ts';

export const matmul: CudaKernel = cudaKernel(matmulOp, ({ a, b, add, into }, { y }, attrs, context) => {
  const sizes = matmulSizes(a.shape, b.shape, attrs);
  const start = add ? 'add' : into ? 'into' : 'zero';
  // matmulOp's infer takes no other dtypes.
  const plan = gemmPlan(sizes, attrs, a.dtype as GemmDType, y.dtype as GemmDType, start);
  const addresses = { a: at(a), b: at(b), c: at(add ?? y), d: at(y) };
  if (!context.gemm(plan, addresses)) launchOwnGemm(plan, addresses, context);
});
