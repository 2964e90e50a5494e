import { asRows, sampleOp } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';

const TEAM = 256;
const TEAM_OF_SOFTWARE = 16;

export const sample: WebGpuKernel = webGpuKernel(
  sampleOp,
  ({ logits, random }, { y }, { temperature, topK, topP }, context) => {
    const { rows, width } = asRows(logits.shape);
    const top = topK === 0 ? width : Math.min(topK, width);
    for (const { first, count } of context.ranges(rows, [[logits, width]])) {
      context.launch(
        'sample',
        'sample',
        {
          logits: context.part(logits, first * width, count * width),
          random,
          kept: top < width ? context.temporary(count * width * 4) : undefined,
          y: context.part(y, first, count),
        },
        { rows: count, width, firstRow: first, topK: top, temperature, topP },
        context.grid(count),
        { team: context.barrierFree ? TEAM_OF_SOFTWARE : TEAM },
      );
    }
  },
);
