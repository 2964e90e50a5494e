/** y = factor · x, with a factor that is a plain number. A factor that changes from step to step is a tensor: multiply. */
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import type { Tensor } from '../tensor.ts';
import { requireFinite, requireFloat } from './require.ts';

export const scaleOp: Op<'x', 'y', { readonly factor: number }> = {
  name: 'scale',
  infer({ x }, { factor }) {
    const dtype = requireFloat('scale', { x });
    requireFinite('scale', 'factor', factor);
    return { y: { dtype, shape: x.shape } };
  },
  reference({ x }, { y }, { factor }) {
    for (let i = 0; i < x.length; i++) y[i] = factor * x[i]!;
  },
  vjp: {
    save: [],
    pull: ({ d, attrs }) => ({ x: scale(d.y!, attrs.factor) }),
  },
};

/** factor · x, f32 or bf16. The factor is baked into a captured program. */
export function scale(x: Tensor, factor: number): Tensor {
  return run(scaleOp, { x }, { factor }).y;
}
