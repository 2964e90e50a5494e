import { asRows, type DType } from '@qsparse/core';
import { sparseGemvOp } from '@qsparse/quantizers';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { fetchedAhead, type GemvTuning, gemvParts } from './gemv-parts.ts';
import { triedTuning } from './tried-tuning.ts';

const KERNELS = { f32: 'sparse_gemv_f32', bf16: 'sparse_gemv_bf16', i8: 'sparse_gemv_i8' } as const;
const BYTES = { f32: 4, bf16: 2, i8: 1 } as const;
/** Copies of each thread that are under way, as in sparse-gemv.cu. */
const COPY_BYTES = 8 * 256 * 16;
const TUNING: GemvTuning = { lanes: 16, blocks: 3, entries: 64, ahead: 8 };

export const sparseGemv: CudaKernel = cudaKernel(
  sparseGemvOp,
  ({ indices, values, count, w, scales, add }, { y }, _attrs, context) => {
    const { rows, width: keep } = asRows(indices.shape);
    const [inputs, outputs] = w.shape as [number, number];
    // sparseGemvOp's infer takes no other dtypes.
    const stored = w.dtype as DType & keyof typeof KERNELS;
    const tuning = { ...TUNING, ...triedTuning() };
    const sizes = { rows, keep, outputs, laneOutputs: 16 / BYTES[stored] };
    const cut = gemvParts(sizes, tuning, context.multiprocessors);
    const isWide = at(w) % 16 === 0 && (outputs * BYTES[stored]) % 16 === 0;
    const args = {
      ...{ indices: at(indices), values: at(values), count: at(count), w: at(w), scales: at(scales) },
      ...{ add: at(add), y: at(y) },
      partials: cut.parts === 1 ? 0 : context.temporary(4 * cut.parts * rows * outputs),
      arrived: cut.counters === 0 ? 0 : context.counters(cut.counters),
      ...{ keep, inputs, outputs, tiles: cut.tiles, lanes: cut.lanes },
      ...{ isWide: isWide ? 1 : 0, isBf16: y.dtype === 'bf16' ? 1 : 0, weightBytes: BYTES[stored] },
      ahead: fetchedAhead(tuning, rows, cut, at(w)),
    };
    const options = { shared: COPY_BYTES, early: true };
    context.launch(KERNELS[stored], args, [rows * cut.tiles, cut.parts], options);
  },
);
