import { matmulOp, matmulSizes } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';
import { copyLaunch } from './copy.ts';

export const matmul: CpuKernel = cpuKernel(matmulOp, ({ a, b, add, into }, { y }, attrs) => {
  const { batch, sharedB, m, n, k } = matmulSizes(a.shape, b.shape, attrs);
  const args = {
    a: at(a),
    b: at(b),
    c: at(y),
    m,
    n,
    k,
    transposeA: Number(attrs.transposeA),
    transposeB: Number(attrs.transposeB),
    accumulate: Number((add ?? into) !== undefined),
    batch,
    strideA: m * k,
    strideB: sharedB ? 0 : n * k,
    strideC: m * n,
  };
  const product = call('matmul', args, batch * m * n * k);
  return add ? [copyLaunch(y, add), product] : [product];
});
