import { asRows } from '@qsparse/core';
import { gatedSparsifyBackwardOp } from '@qsparse/quantizers';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';
import { GATED_KINDS, GATED_WORK } from './gated-activation.ts';
import { chunksOf } from './rms-norm-backward.ts';

export const gatedSparsifyBackward: CpuKernel = cpuKernel(
  gatedSparsifyBackwardOp,
  ({ dy, x, weight, inverseRms, intoWeight }, { dx, dWeight }, { kind }, { temporary }) => {
    const { rows, width } = asRows(dy.shape);
    const chunks = chunksOf(rows);
    const args = {
      ...{ dy: at(dy), x: at(x), weight: at(weight), inverseRms: at(inverseRms) },
      ...{ dx: at(dx), dWeight: weight ? at(dWeight) : 0 },
      normed: inverseRms ? temporary(chunks * width * 4) : 0,
      partial: weight ? temporary(chunks * width * 4) : 0,
      ...{ rows, width, chunks, kind: GATED_KINDS[kind], addToWeight: intoWeight ? 1 : 0 },
    };
    return [call('gated_sparsify_backward', args, (3 * GATED_WORK[kind] + 4) * rows * width)];
  },
);
