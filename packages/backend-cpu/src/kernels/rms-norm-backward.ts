import { asRows, rmsNormBackwardOp } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

/** Parts that the rows are cut into for the sum over them: from their number alone, so that threads change nothing. */
const MOST_CHUNKS = 32;
const ROWS_IN_A_CHUNK = 16;

/** Chunks of `rows` rows. */
export function chunksOf(rows: number): number {
  return Math.min(Math.max(Math.floor(rows / ROWS_IN_A_CHUNK), 1), MOST_CHUNKS);
}

export const rmsNormBackward: CpuKernel = cpuKernel(
  rmsNormBackwardOp,
  ({ dy, x, weight, inverseRms, intoX, intoWeight }, { dx, dWeight }, _attrs, { temporary }) => {
    const { rows, width } = asRows(x.shape);
    const chunks = chunksOf(rows);
    const args = {
      ...{ dy: at(dy), x: at(x), weight: at(weight), inverseRms: at(inverseRms) },
      ...{ dx: at(dx), dWeight: weight ? at(dWeight) : 0 },
      partial: weight ? temporary(chunks * width * 4) : 0,
      ...{ rows, width, chunks, addToX: intoX ? 1 : 0, addToWeight: intoWeight ? 1 : 0 },
    };
    return [call('rms_norm_backward', args, 4 * rows * width)];
  },
);
