import { embeddingBackwardOp, sizeOf } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';

/** The same as in flat.wgsl. */
const COLUMNS = 64;
/** Threads that are enough to keep a device busy: each looks at all ids. */
const ENOUGH_THREADS = 2 ** 16;
const ENOUGH_FOR_SOFTWARE = 2 ** 8;
const MOST_PARTITIONS = 256;

export const embeddingBackward: WebGpuKernel = webGpuKernel(
  embeddingBackwardOp,
  ({ dy, ids, into }, _outs, _attrs, context) => {
    const [length, width] = into.shape as [number, number];
    const blocks = Math.ceil(width / COLUMNS);
    const enough = context.barrierFree ? ENOUGH_FOR_SOFTWARE : ENOUGH_THREADS;
    const partitions = Math.max(
      1,
      Math.min(MOST_PARTITIONS, length, Math.floor(enough / (blocks * COLUMNS))),
    );
    for (const tokens of context.ranges(sizeOf(ids.shape), [[dy, width]])) {
      const part = {
        dy: context.part(dy, tokens.first * width, tokens.count * width),
        ids: context.part(ids, tokens.first, tokens.count),
      };
      for (const table of context.ranges(length, [[into, width]])) {
        context.launch(
          'embedding-backward',
          'embedding_backward',
          { ...part, into: context.part(into, table.first * width, table.count * width) },
          { rows: tokens.count, width, first: table.first, length: table.count, partitions },
          context.grid(blocks * partitions),
        );
      }
    }
  },
);
