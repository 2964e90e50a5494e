import { sizeOf } from '@qsparse/core';
import { ternarizeOp } from '@qsparse/quantizers';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid } from './elementwise.ts';
import { reduceLast } from './reduce.ts';

/** A few launches a section: each is a matrix of its own. f32 to f32, the one dtype that this device computes in. */
export const ternarize: WebGpuKernel = webGpuKernel(
  ternarizeOp,
  ({ w }, { y, alpha }, { sections }, context) => {
    const rows = w.shape[0] ?? 1;
    const columns = sizeOf(w.shape) / rows;
    let first = 0;
    for (const [i, height] of (sections.length === 0 ? [rows] : sections).entries()) {
      const count = height * columns;
      const own = context.part(w, first * columns, count);
      const sum = context.temporary(4);
      const scale = context.part(alpha, i, 1);
      reduceLast(context, {
        x: own,
        rows: 1,
        width: count,
        y: sum,
        largest: false,
        divisor: 1,
        magnitudes: true,
      });
      const tensors = { alpha: scale, sum, w: undefined, y: undefined };
      context.launch('ternarize', 'ternary_scale', tensors, { count }, [1, 1, 1]);
      const shares = [
        [w, 1],
        [y, 1],
      ] as const;
      for (const range of context.ranges(count, shares)) {
        const at = first * columns + range.first;
        const parts = {
          alpha: scale,
          sum,
          w: context.part(w, at, range.count),
          y: context.part(y, at, range.count),
        };
        context.launch(
          'ternarize',
          'ternarize',
          parts,
          { count: range.count },
          flatGrid(context, range.count),
        );
      }
      first += height;
    }
  },
);
