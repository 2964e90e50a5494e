/** The gradients of RMSNorm: launches for rms-norm-backward and for gated-sparsify-backward, which differ in what was normed. */
import { asRows, type GatedActivationAttrs, type View } from '@qsparse/core';
import type { LaunchContext } from '../launch.ts';
import { flatGrid } from './elementwise.ts';
import { GATED_KINDS } from './gated-activation.ts';
import { reduceLeading } from './reduce.ts';
import { planRow, rowGrid, subgroupOverrides } from './row-teams.ts';

/** Workgroups, each with a row of sums over its rows; a part of the result's bits, so the same on every GPU. */
const MOST_CHUNKS = 512;
/** Rows of a chunk where an invocation sums a column. */
const ROWS_OF_A_CHUNK = 32;
/** Vectors that an invocation keeps; the same as in norm-backward-row.wgsl. */
const MOST_VECTORS = 8;

export interface NormGradient {
  /** [rows, width] */
  readonly dy: View;
  /** What was normed; with a kind, [rows, 2 width] of which it was made. */
  readonly x: View;
  readonly kind?: GatedActivationAttrs['kind'];
  readonly weight: View | undefined;
  readonly inverseRms: View;
  readonly dx: View;
  /** Whether dx is added to; not with a kind. */
  readonly addToX: boolean;
  /** There where weight is. */
  readonly dWeight: View | undefined;
  readonly addToWeight: boolean;
}

export function launchNormGradient(gradient: NormGradient, context: LaunchContext): void {
  const { dy, x, kind, weight, inverseRms, dx, dWeight } = gradient;
  const { rows, width } = asRows(dy.shape);
  const wideX = kind ? 2 * width : width;
  const plan = planRow(context, width, [dy, x, weight, dx]);
  const lanes = plan.kind === 'lane';
  const wide = plan.kind === 'wide' && plan.vectors <= MOST_VECTORS;
  const chunk = lanes ? ROWS_OF_A_CHUNK : Math.ceil(rows / MOST_CHUNKS);
  const chunks = Math.ceil(rows / chunk);
  const partial = weight && context.temporary(4 * chunks * width);
  const gated = kind ? GATED_KINDS[kind] : 0;
  const overrides = { gated, with_weight: weight !== undefined, add: gradient.addToX };
  // Cut where chunks end.
  for (const { first, count } of context.ranges(chunks, [
    [dy, chunk * width],
    [x, chunk * wideX],
    [dx, chunk * wideX],
    [partial, width],
  ])) {
    const begin = first * chunk;
    const here = Math.min(count * chunk, rows - begin);
    const tensors = {
      ...{
        dy: context.part(dy, begin * width, here * width),
        x: context.part(x, begin * wideX, here * wideX),
      },
      ...{ weight, inverse_rms: context.part(inverseRms, begin, here) },
      dx: context.part(dx, begin * wideX, here * wideX),
      partial: partial && context.part(partial, first * width, count * width),
    };
    const args = { rows: here, width, chunk };
    if (lanes) {
      const grid = rowGrid(context, plan, here);
      if (partial) {
        const columns = flatGrid(context, count * width);
        context.launch('norm-backward', 'weight_gradient_lane', tensors, args, columns, overrides);
      }
      context.launch('norm-backward', 'norm_backward_lane', tensors, args, grid, overrides);
    } else if (wide) {
      const own = { ...overrides, team: plan.team, vectors: plan.vectors };
      if (context.variant.subgroups) {
        const all = { ...own, ...subgroupOverrides(context) };
        context.launch('norm-backward-subgroups', 'norm_backward', tensors, args, context.grid(count), all);
      } else context.launch('norm-backward-vec4', 'norm_backward', tensors, args, context.grid(count), own);
    } else {
      const own = { ...overrides, team: plan.team };
      context.launch('norm-backward', 'norm_backward', tensors, args, context.grid(count), own);
    }
  }
  if (!partial || !dWeight) return;
  const sum = { x: partial, rows: chunks, width, y: dWeight, largest: false, divisor: 1 };
  reduceLeading(context, sum, gradient.addToWeight);
}
