import { DTYPES, positionStep, ropeOp, sizeOf } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { gridOver } from './elementwise.ts';

export const rope: CudaKernel = cudaKernel(
  ropeOp,
  ({ x, table, position }, { y }, { interleaved, inverse }, context) => {
    const [tokens, heads, size] = x.shape.slice(-3) as [number, number, number];
    const perVector = 128 / DTYPES[x.dtype].bits;
    const aligned = [at(x), at(table), at(y)].every((address) => address % 16 === 0);
    const rows = sizeOf(x.shape) / size;
    const args = {
      ...{ x: at(x), table: at(table), position: at(position), y: at(y) },
      ...{ rows, tokens, heads, size, length: table.shape[0]! },
      batchTokens: (x.shape.length > 3 ? rows / x.shape[0]! : rows) / heads,
      positionStep: positionStep(position),
      interleaved: interleaved ? 1 : 0,
      // A vector of neighbours is half as many pairs.
      wide: aligned && size % (interleaved ? perVector : 2 * perVector) === 0 ? 1 : 0,
      sign: inverse ? -1 : 1,
    };
    context.launch(x.dtype === 'f32' ? 'rope_f32' : 'rope_bf16', args, gridOver(context, y));
  },
);
