import { asRows, sizeOf } from '@qsparse/core';
import { ternaryGemvOp } from '@qsparse/quantizers';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { fetchedAhead, type GemvTuning, gemvParts } from './gemv-parts.ts';
import { triedTuning } from './tried-tuning.ts';

/** The same as in ternary-gemv.cu. */
const LANE_BYTES = 8;
const LANES = 16;
const TUNING: Omit<GemvTuning, 'lanes'> = { blocks: 2, entries: 64, ahead: 8 };

export const ternaryGemv: CudaKernel = cudaKernel(
  ternaryGemvOp,
  ({ indices, values, count, scale, w, scales, add }, { y }, _attrs, context) => {
    const { rows, width: keep } = asRows(indices.shape);
    const outputs = sizeOf(scales.shape);
    const tuning = { ...TUNING, ...triedTuning(), lanes: LANES };
    // A counter of 8 bytes adds up what the parts of a list give for an output.
    const sizes = { rows, keep, outputs, laneOutputs: 4 * LANE_BYTES, rowCounters: 2 * outputs };
    const cut = gemvParts(sizes, tuning, context.multiprocessors);
    const args = {
      ...{ indices: at(indices), values: at(values), count: at(count), scale: at(scale), w: at(w) },
      ...{ scales: at(scales), add: at(add), y: at(y) },
      cells: cut.counters === 0 ? 0 : context.counters(cut.counters),
      ...{ keep, inputs: w.shape[0]!, outputs, tiles: cut.tiles },
      ...{ isWide: at(w) % LANE_BYTES === 0 ? 1 : 0, isBf16: y.dtype === 'bf16' ? 1 : 0 },
      ahead: fetchedAhead(tuning, rows, cut, at(w)),
    };
    context.launch('ternary_gemv', args, [rows * cut.tiles, cut.parts], { early: true });
  },
);
