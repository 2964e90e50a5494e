import { asRows } from '@qsparse/core';
import { gatedSparsifyOp } from '@qsparse/quantizers';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';
import { GATED_KINDS, GATED_WORK } from './gated-activation.ts';
import { SPARSIFY_WORK } from './sparsify.ts';

const FLOAT_BYTES = 4;

export const gatedSparsify: CpuKernel = cpuKernel(
  gatedSparsifyOp,
  ({ x, weight }, { y, inverseRms }, { kind, k, block, int8, normalize, epsilon }) => {
    const { rows, width } = asRows(y.shape);
    const isPlain = k === (block || width) && !int8 && !normalize;
    if (isPlain && rows === 1) {
      // A token that is generated: nothing asks for whole rows, so that all threads share this one.
      const halves = { gate: at(x), up: at(x) + width * FLOAT_BYTES };
      const args = { ...halves, y: at(y), count: width, kind: GATED_KINDS[kind] };
      return [call('gated_activation', args, GATED_WORK[kind] * width)];
    }
    const args = {
      ...{ x: at(x), weight: at(weight), y: at(y), inverseRms: normalize ? at(inverseRms) : 0 },
      ...{ rows, width, kind: GATED_KINDS[kind], plain: isPlain ? 1 : 0 },
      ...{ keep: k, block, int8: int8 ? 1 : 0, normalize: normalize ? 1 : 0, epsilon },
    };
    const work = GATED_WORK[kind] + (isPlain ? 0 : SPARSIFY_WORK);
    return [call('gated_sparsify', args, work * rows * width)];
  },
);
