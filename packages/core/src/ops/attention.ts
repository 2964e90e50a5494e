/**
 * Causal attention with grouped key-value heads and an optional sliding window, scores never kept. Query t of row b of
 * the batch is at position p_b + t and sees key j when first[b, t] <= j <= p_b + t and, with a window w,
 * j > p_b + t - w. A row that sees no key (a position outside the cache) is zeros. Keys that nobody sees must be finite:
 * a cache starts zeroed.
 */
import type { FusedOp } from '../op.ts';
import { run } from '../run.ts';
import { reshape, type Tensor } from '../tensor.ts';
import { attentionBackwardOp } from './attention-backward.ts';
import {
  type AttentionAttrs,
  attentionSizes,
  requireAttentionAttrs,
  visibleKeys,
} from './attention-sizes.ts';
import { add, multiply, subtract } from './binary.ts';
import { cast } from './cast.ts';
import { full } from './fill.ts';
import { matmul } from './matmul.ts';
import { permute } from './permute.ts';
import { sum } from './reduce.ts';
import { onlyGradient, positionOf, requireFirst, requireFloat, requirePosition } from './require.ts';
import { scale as scaled } from './scale.ts';
import { softmax } from './softmax.ts';
import { log } from './unary.ts';

/** Small enough to leave every weight as it is, large enough for a finite logarithm in f32. */
const TINY = 1e-30;

export const attentionOp: FusedOp<'q' | 'k' | 'v', 'y' | 'logSumExp', AttentionAttrs, 'position' | 'first'> =
  {
    name: 'attention',
    infer({ q, k, v, position, first }, attrs) {
      const dtype = requireFloat('attention', { q, k, v });
      const { batch, queries } = attentionSizes('attention', q.shape, k.shape, v.shape);
      requirePosition('attention', position, batch);
      requireFirst('attention', first, batch, queries);
      requireAttentionAttrs('attention', attrs);
      return { y: { dtype, shape: q.shape }, logSumExp: { dtype: 'f32', shape: q.shape.slice(0, 3) } };
    },
    reference({ q, k, v, position, first }, { y, logSumExp }, { scale, window }, types) {
      const sizes = attentionSizes('attention', types.q.shape, types.k.shape, types.v.shape);
      const { batch, queries, keys, heads, groups, width } = sizes;
      const scores = new Float64Array(keys);
      y.fill(0);
      for (let row = 0; row < batch * queries * heads; row++) {
        const head = row % heads;
        const t = Math.floor(row / heads) % queries;
        const b = Math.floor(row / (heads * queries));
        const group = Math.floor(head / (heads / groups));
        const at = positionOf(position, b, keys - queries) + t;
        const { begin, end } = visibleKeys(at, keys, window, first?.[b * queries + t]);
        const keyAt = (j: number) => ((b * keys + j) * groups + group) * width;
        let largest = Number.NEGATIVE_INFINITY;
        for (let j = begin; j < end; j++) {
          let score = 0;
          for (let i = 0; i < width; i++) score += q[row * width + i]! * k[keyAt(j) + i]!;
          scores[j] = score * scale;
          largest = Math.max(largest, scores[j]!);
        }
        let sum = 0;
        for (let j = begin; j < end; j++) sum += Math.exp(scores[j]! - largest);
        logSumExp[row] = largest + Math.log(sum);
        for (let j = begin; j < end; j++) {
          const p = Math.exp(scores[j]! - largest) / sum;
          for (let i = 0; i < width; i++) y[row * width + i]! += p * v[keyAt(j) + i]!;
        }
      }
    },
    vjp: {
      save: ['q', 'k', 'v', 'y', 'logSumExp', 'position', 'first'],
      pull({ d, saved, attrs }) {
        const dy = onlyGradient('attention', d, 'y');
        const ins = saved as Record<'q' | 'k' | 'v' | 'y' | 'logSumExp', Tensor> &
          Partial<Record<'position' | 'first', Tensor>>;
        const { dq, dk, dv } = run(attentionBackwardOp, { dy, ...ins }, attrs);
        return { q: dq, k: dk, v: dv };
      },
    },
    composite({ q, k, v, position, first }, { scale, window }) {
      const sizes = attentionSizes('attention', q.shape, k.shape, v.shape);
      const { batch, queries, keys, heads, groups, width } = sizes;
      const order = [0, 2, 1, 3];
      // The heads of a group lie together, so they share its keys as more rows of one product.
      const rows = (heads / groups) * queries;
      const q3 = reshape(permute(q, order), [batch * groups, rows, width]);
      const k3 = reshape(permute(k, order), [batch * groups, keys, width]);
      const v3 = reshape(permute(v, order), [batch * groups, keys, width]);
      const perHead = [batch, heads, queries, keys];
      const scores = reshape(scaled(matmul(q3, k3, { transposeB: true }), scale), perHead);
      const weights = softmax(scores, { causal: true, window, position, first });
      const y3 = matmul(reshape(weights, [batch * groups, rows, keys]), v3);
      return {
        y: permute(reshape(y3, [batch, heads, queries, width]), order),
        logSumExp: logSumExpOf(scores, weights), // [B, T, H]
      };
    },
  };

/** [B, T, H] from scores and weights [B, H, T, S]: score - log(weight) is the same for every key that counts. */
function logSumExpOf(scores: Tensor, weights: Tensor): Tensor {
  const p = cast(weights, 'f32');
  const tiny = full(weights.device, [1], TINY);
  const perKey = subtract(cast(scores, 'f32'), log(add(p, tiny))); // [B, H, T, S]
  return permute(sum(multiply(p, perKey), 'last'), [0, 2, 1]);
}

/**
 * y [B, T, H, D] = softmax(scale · q kᵀ, causal) v, with q [B, T, H, D] and k, v [B, S, G, D], f32 or bf16 alike,
 * T <= S; H is a multiple of G and head h uses group floor(h · G / H). `scale` is 1 / sqrt(D) unless given;
 * `position` (i32 [1], or [B] with one for each row of the batch) is that of the first query, S - T when absent. `first`
 * (i32 [B, T]) is the first key that a query may see, so that documents that share a row see themselves alone: that
 * where the query's document begins; below 0 counts as 0. No gradient goes to either. Throws DTypeError, ShapeError and
 * ValueError for what does not fit.
 */
export function attention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  {
    scale = 1 / Math.sqrt(q.shape.at(-1) ?? 1),
    window = 0,
    position,
    first,
  }: Partial<AttentionAttrs> & {
    readonly position?: Tensor | undefined;
    readonly first?: Tensor | undefined;
  } = {},
): Tensor {
  return run(attentionOp, { q, k, v, position, first }, { scale, window }).y;
}
