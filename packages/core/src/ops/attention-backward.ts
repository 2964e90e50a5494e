/**
 * The gradients of causal attention, from the saved log-sum-exp instead of saved weights (Dao et al.,
 * "FlashAttention", 2022): p = exp(scale · q·k - logSumExp), ds = p · (dy·v - dy·y), dq = scale · sum ds k,
 * dk = scale · sum ds q, dv = sum p dy. Grouped heads add up in dk and dv. Inputs as in attention.ts.
 */
import type { Op } from '../op.ts';
import {
  type AttentionAttrs,
  attentionSizes,
  requireAttentionAttrs,
  visibleKeys,
} from './attention-sizes.ts';
import {
  positionOf,
  requireDType,
  requireFirst,
  requireFloat,
  requirePosition,
  requireSameShape,
} from './require.ts';

const name = 'attention-backward';

export const attentionBackwardOp: Op<
  'dy' | 'q' | 'k' | 'v' | 'y' | 'logSumExp',
  'dq' | 'dk' | 'dv',
  AttentionAttrs,
  'position' | 'first'
> = {
  name,
  infer({ dy, q, k, v, y, logSumExp, position, first }, attrs) {
    const dtype = requireFloat(name, { dy, q, k, v, y });
    const { batch, queries } = attentionSizes(name, q.shape, k.shape, v.shape);
    requireSameShape(name, 'dy', dy.shape, q.shape);
    requireSameShape(name, 'y', y.shape, q.shape);
    requireDType(name, 'logSumExp', logSumExp, 'f32');
    requireSameShape(name, 'logSumExp', logSumExp.shape, q.shape.slice(0, 3));
    requirePosition(name, position, batch);
    requireFirst(name, first, batch, queries);
    requireAttentionAttrs(name, attrs);
    return {
      dq: { dtype, shape: q.shape },
      dk: { dtype, shape: k.shape },
      dv: { dtype, shape: v.shape },
    };
  },
  reference({ dy, q, k, v, y, logSumExp, position, first }, { dq, dk, dv }, { scale, window }, types) {
    const sizes = attentionSizes(name, types.q.shape, types.k.shape, types.v.shape);
    const { batch, queries, keys, heads, groups, width } = sizes;
    for (const d of [dq, dk, dv]) d.fill(0);
    for (let row = 0; row < batch * queries * heads; row++) {
      const head = row % heads;
      const t = Math.floor(row / heads) % queries;
      const b = Math.floor(row / (heads * queries));
      const group = Math.floor(head / (heads / groups));
      let dyy = 0;
      for (let i = 0; i < width; i++) dyy += dy[row * width + i]! * y[row * width + i]!;
      const at = positionOf(position, b, keys - queries) + t;
      const { begin, end } = visibleKeys(at, keys, window, first?.[b * queries + t]);
      for (let j = begin; j < end; j++) {
        const key = ((b * keys + j) * groups + group) * width;
        let score = 0;
        let dyv = 0;
        for (let i = 0; i < width; i++) {
          score += q[row * width + i]! * k[key + i]!;
          dyv += dy[row * width + i]! * v[key + i]!;
        }
        const p = Math.exp(score * scale - logSumExp[row]!);
        const ds = p * (dyv - dyy) * scale;
        for (let i = 0; i < width; i++) {
          dq[row * width + i]! += ds * k[key + i]!;
          dk[key + i]! += ds * q[row * width + i]!;
          dv[key + i]! += p * dy[row * width + i]!;
        }
      }
    }
  },
};
