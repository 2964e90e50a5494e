/** What the gradients of norms share: how the rows are cut up, and the sum over them that is the weight's gradient. */
import type { View } from '@qsparse/core';
import { at, type LaunchContext } from '../launch.ts';
import { type RowTeam, rowTeam } from './row-team.ts';

/**
 * Multiprocessors of an H100. Each block adds up its rows by itself, so the number of blocks is part of the result's bits
 * and must not depend on the GPU at hand.
 */
const MULTIPROCESSORS = 132;
/** Blocks side by side on one of them, as their registers allow. */
export type GradientBlocks = Readonly<Record<Exclude<RowTeam, 'any'>, number>>;
/** Rows that a block has at a time. */
const ROWS = { narrow: 16, warp: 8, warps: 1, block: 1 } as const;
/** Where there are no such teams: parts of the rows, of 16 rows at least. */
const MOST_CHUNKS = 64;
const ROWS_OF_A_CHUNK = 16;

/** Rows in registers as in row-team.ts, but half as many entries a thread. */
export function gradientTeam(width: number, views: readonly (View | undefined)[]): RowTeam {
  const team = rowTeam(2 * width, views);
  // Twice the width may be whole vectors where the width is not.
  const wide = (width * (views[0]!.dtype === 'f32' ? 4 : 2)) % 16 === 0;
  const fits = views[0]!.dtype === 'bf16' || 2 * width <= 8192;
  return wide && fits ? team : 'any';
}

/** Blocks of a team's kernel, or chunks of rows of one without: the rows of `partial`. */
export function gradientParts(team: RowTeam, rows: number, resident: GradientBlocks): number {
  if (team === 'any') return Math.min(Math.ceil(rows / ROWS_OF_A_CHUNK), MOST_CHUNKS);
  return Math.min(Math.ceil(rows / ROWS[team]), MULTIPROCESSORS * resident[team]);
}

/** Enqueues dWeight (=|+=) the sum of `parts` rows of `width` floats at `partial`. */
export function launchWeightGradient(
  partial: number,
  dWeight: View,
  { parts, add }: { readonly parts: number; readonly add: boolean },
  context: LaunchContext,
): void {
  const width = dWeight.shape[0]!;
  const args = { partial, dWeight: at(dWeight), parts, width, add: add ? 1 : 0 };
  const kernel = dWeight.dtype === 'f32' ? 'norm_weight_gradient_f32' : 'norm_weight_gradient_bf16';
  context.launch(kernel, args, [Math.ceil(width / 8)]);
}
