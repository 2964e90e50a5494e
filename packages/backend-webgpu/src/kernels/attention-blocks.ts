/**
 * Attention and its gradient without barriers, for software adapters: scores of 4 queries by 4 keys an invocation, weights
 * in memory, then sums by weights.
 */
import type { View } from '@qsparse/core';
import type { LaunchContext } from '../launch.ts';
import {
  type AttentionNumbers,
  type GroupRange,
  headsAreVectors,
  type Places,
  type WeightsPlan,
} from './attention-sizes.ts';
import { flatGrid } from './elementwise.ts';

export interface ForwardViews extends Places {
  readonly q: View;
  readonly k: View;
  readonly v: View;
  readonly y: View;
  readonly logSumExp: View;
}

export interface BackwardViews extends ForwardViews {
  readonly dy: View;
  readonly dq: View;
  readonly dk: View;
  readonly dv: View;
}

export function attendInBlocks(
  views: ForwardViews,
  numbers: AttentionNumbers,
  plan: WeightsPlan,
  context: LaunchContext,
): void {
  const { v, y, logSumExp, position, first } = views;
  const weights = context.temporary(plan.bytes);
  for (const range of plan.ranges) {
    const shared = sharedArguments(numbers, plan, range);
    launchScores(
      'scores',
      { ...views, weights, dy: undefined, rows: undefined },
      numbers,
      plan,
      range,
      context,
    );
    const count = (range.groups * numbers.heads * plan.paddedQueries) / numbers.groups;
    context.launch(
      'attention-rows',
      'weights_of_scores',
      { dy: undefined, y: undefined, given: undefined, position, first, weights, log_sum_exp: logSumExp },
      { ...shared, count },
      flatGrid(context, count),
    );
    const mixed = { weights, x: v, y, position, first };
    launchMix('mix_keys', mixed, 0, numbers, plan, range, context);
  }
}

export function attendBackwardInBlocks(
  views: BackwardViews,
  numbers: AttentionNumbers,
  plan: WeightsPlan,
  context: LaunchContext,
): void {
  const { dy, q, k, position, first, dq, dk, dv } = views;
  const rows = attentionRows(views, numbers, context);
  const weights = context.temporary(2 * plan.bytes);
  const gradients = plan.bytes / 16;
  for (const range of plan.ranges) {
    launchScores('gradients', { ...views, weights, rows }, numbers, plan, range, context);
    const sees = { weights, position, first };
    launchMix('mix_keys', { ...sees, x: k, y: dq }, gradients, numbers, plan, range, context);
    launchMix('mix_queries', { ...sees, x: q, y: dk }, gradients, numbers, plan, range, context);
    launchMix('mix_queries', { ...sees, x: dy, y: dv }, 0, numbers, plan, range, context);
  }
}

/** Of each row (b, t, h): the logarithm of its sum, dy y, and the keys that it sees; [B, T, H, 4]. */
export function attentionRows(
  { dy, y, logSumExp, position, first }: Omit<BackwardViews, 'q' | 'k' | 'v' | 'dq' | 'dk' | 'dv'>,
  numbers: AttentionNumbers,
  context: LaunchContext,
): View {
  const { batch, queries, heads } = numbers;
  const count = batch * queries * heads;
  const rows = context.temporary(count * 16);
  context.launch(
    'attention-rows',
    'rows_of_gradient',
    { dy, y, given: logSumExp, position, first, weights: rows, log_sum_exp: undefined },
    { ...sharedArguments(numbers, { paddedQueries: 0, paddedKeys: 0 }, { firstGroup: 0 }), count },
    flatGrid(context, count),
  );
  return rows;
}

function sharedArguments(
  { queries, keys, heads, groups, width, window, places }: AttentionNumbers,
  { paddedQueries, paddedKeys }: Pick<WeightsPlan, 'paddedQueries' | 'paddedKeys'>,
  { firstGroup }: Pick<GroupRange, 'firstGroup'>,
) {
  return { queries, keys, heads, groups, width, window, places, paddedQueries, paddedKeys, firstGroup };
}

interface ScoreViews extends Places {
  readonly q: View;
  readonly k: View;
  readonly v: View;
  readonly dy: View | undefined;
  readonly rows: View | undefined;
  readonly weights: View;
}

function launchScores(
  entry: 'scores' | 'gradients',
  { q, k, v, dy, rows, weights, position, first }: ScoreViews,
  numbers: AttentionNumbers,
  plan: WeightsPlan,
  range: GroupRange,
  context: LaunchContext,
): void {
  const { heads, groups, width, scale } = numbers;
  const pairs = (range.groups * heads) / groups;
  const blocks = (pairs * plan.paddedQueries * plan.paddedKeys) / 16;
  context.launch(
    headsAreVectors(width, dy ? [q, k, v, dy] : [q, k], context)
      ? 'attention-scores-vec4'
      : 'attention-scores',
    entry,
    { q, k, v: dy && v, dy, rows, position, first, weights },
    { ...sharedArguments(numbers, plan, range), scale, blocks, gradients: plan.bytes / 16 },
    flatGrid(context, blocks),
  );
}

function launchMix(
  entry: 'mix_keys' | 'mix_queries',
  views: Places & { readonly weights: View; readonly x: View; readonly y: View },
  weightsBegin: number,
  numbers: AttentionNumbers,
  plan: WeightsPlan,
  range: GroupRange,
  context: LaunchContext,
): void {
  const { heads, groups, width } = numbers;
  const { x, y } = views;
  const rows =
    entry === 'mix_keys'
      ? ((range.groups * heads) / groups) * (plan.paddedQueries / 4)
      : range.groups * (plan.paddedKeys / 4);
  const blocks = rows * Math.ceil(width / 4);
  context.launch(
    headsAreVectors(width, [x, y], context) ? 'attention-mix-vec4' : 'attention-mix',
    entry,
    views,
    { ...sharedArguments(numbers, plan, range), weightsBegin, blocks },
    flatGrid(context, blocks),
  );
}
