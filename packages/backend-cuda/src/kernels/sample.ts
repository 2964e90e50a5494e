import { sampleOp } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';

/** Rows that are worked on at a time, at most: bounds the workspace, 16 bytes a logit. */
const MOST_BLOCKS = 64;
const ENTRY_BYTES = 8;

export const sample: CudaKernel = cudaKernel(sampleOp, ({ logits, random }, { y }, attrs, context) => {
  const [rows, width] = logits.shape as [number, number];
  const blocks = Math.min(rows, MOST_BLOCKS);
  const [temperatureLow, temperatureHigh] = wordsOf(attrs.temperature);
  const [topPLow, topPHigh] = wordsOf(attrs.topP);
  const args = {
    ...{ logits: at(logits), random: at(random), y: at(y), rows, width },
    workspace: context.temporary(blocks * 2 * width * ENTRY_BYTES),
    topK: attrs.topK === 0 ? width : Math.min(attrs.topK, width),
    ...{ temperatureLow, temperatureHigh, topPLow, topPHigh },
  };
  const threads = width <= 128 ? 32 : width <= 4096 ? 256 : 1024;
  context.launch(logits.dtype === 'f32' ? 'sample_f32' : 'sample_bf16', args, [blocks], {
    threads,
    early: true,
  });
});

/** The two words of a float64. */
function wordsOf(value: number): readonly [low: number, high: number] {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return [view.getUint32(4), view.getUint32(0)];
}
