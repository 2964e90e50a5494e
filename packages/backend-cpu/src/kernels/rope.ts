import { positionStep, ropeOp, sizeOf } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

export const rope: CpuKernel = cpuKernel(
  ropeOp,
  ({ x, table, position }, { y }, { interleaved, inverse }) => {
    const [tokens, heads, size] = x.shape.slice(-3) as [number, number, number];
    const count = sizeOf(x.shape);
    const rows = count / (heads * size);
    const args = {
      ...{ x: at(x), table: at(table), position: at(position), y: at(y) },
      ...{ rows, tokens, heads, size, length: table.shape[0]! },
      batchRows: x.shape.length > 3 ? rows / x.shape[0]! : rows,
      positionStep: positionStep(position),
      ...{ interleaved: interleaved ? 1 : 0, sign: inverse ? -1 : 1 },
    };
    return [call('rope', args, count)];
  },
);
