import { sampleOp } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

/** Rows that are worked on at a time, at most: bounds the workspace, 16 bytes an entry. */
const MOST_SLOTS = 8;
const ENTRY_BYTES = 8;
/** Elementary operations an entry. */
const WORK = 20;

/** The two words of a float64. */
function words(value: number): readonly [low: number, high: number] {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return [view.getInt32(4), view.getInt32(0)];
}

export const sample: CpuKernel = cpuKernel(sampleOp, ({ logits, random }, { y }, attrs, context) => {
  const [rows, n] = logits.shape as [number, number];
  const slots = Math.min(rows, MOST_SLOTS);
  const [temperatureLow, temperatureHigh] = words(attrs.temperature);
  const [topPLow, topPHigh] = words(attrs.topP);
  const topK = attrs.topK === 0 ? n : Math.min(attrs.topK, n);
  const args = {
    logits: at(logits),
    random: at(random),
    y: at(y),
    workspace: context.temporary(slots * 2 * n * ENTRY_BYTES),
    rows,
    n,
    slots,
    topK,
    temperatureLow,
    temperatureHigh,
    topPLow,
    topPHigh,
  };
  // Of a single row threads share the weights, where all may be drawn; what is cut off is one thread's.
  return [call('sample', args, rows === 1 && topK < n ? 0 : WORK * rows * n)];
});
