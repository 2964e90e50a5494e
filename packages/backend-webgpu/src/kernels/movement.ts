/** Ops that move elements, whatever these are: views are cut into the largest units that their places allow. */
import { DTYPES, type View } from '@qsparse/core';
import type { LaunchContext } from '../launch.ts';
import { flatGrid } from './elementwise.ts';

/** Bytes of an element; packed ones are moved as bytes. */
export function elementBytes({ dtype }: View): number {
  return Math.max(1, DTYPES[dtype].bits / 8);
}

/** The largest of 16 and 4 that divides all of these, or `least`. */
export function unitOf(least: number, ...bytes: readonly number[]): number {
  return [16, 4].find((unit) => bytes.every((count) => count % unit === 0)) ?? least;
}

/** Bytes of a slot, seen as words; both numbers are multiples of 4. */
export function wordsAt(view: View, offset: number, bytes: number): View {
  return { slot: view.slot, offset, dtype: 'i32', shape: [bytes / 4] };
}

/** Where runs lie, in bytes from the begin of a view's slot. */
export interface RunsIn {
  readonly view: View;
  readonly offset: number;
  /** From one run to the next. */
  readonly stride: number;
}

export interface Runs {
  readonly x: RunsIn;
  readonly y: RunsIn;
  readonly runs: number;
  /** Bytes of a run. */
  readonly length: number;
}

/** Enqueues the copy of `runs` runs of bytes from x to y; what lies between the runs of y stays. */
export function copyRuns(context: LaunchContext, { x, y, runs, length }: Runs): void {
  if (runs === 1) {
    copyRun(context, x, y, length);
    return;
  }
  const most = Math.max(x.stride, y.stride);
  if (most > context.maxBinding / 4) {
    // Runs that are far apart are bound one by one.
    for (let run = 0; run < runs; run++) {
      const at = (side: RunsIn): RunsIn => ({ ...side, offset: side.offset + run * side.stride });
      copyRun(context, at(x), at(y), length);
    }
    return;
  }
  const atOnce = Math.max(1, Math.floor(context.maxBinding / 2 / most));
  for (let first = 0; first < runs; first += atOnce) {
    const here = Math.min(atOnce, runs - first);
    const at = (side: RunsIn): RunsIn => ({ ...side, offset: side.offset + first * side.stride });
    launchRuns(context, { x: at(x), y: at(y), runs: here, length });
  }
}

/** One run, cut where it is longer than a binding. */
function copyRun(context: LaunchContext, x: RunsIn, y: RunsIn, length: number): void {
  const atOnce = Math.floor(context.maxBinding / 512) * 256;
  for (let first = 0; first < length; first += atOnce) {
    const here = Math.min(atOnce, length - first);
    const at = (side: RunsIn): RunsIn => ({ ...side, offset: side.offset + first, stride: here });
    launchRuns(context, { x: at(x), y: at(y), runs: 1, length: here });
  }
}

function launchRuns(context: LaunchContext, { x, y, runs, length }: Runs): void {
  const unit = unitOf(1, x.offset, y.offset, length, ...(runs > 1 ? [x.stride, y.stride] : []));
  const spanOf = ({ stride }: RunsIn) => (runs - 1) * stride + length;
  if (unit === 1) {
    const size = [x.offset, y.offset, length, x.stride, y.stride].every((at) => at % 2 === 0) ? 2 : 1;
    const part = (side: RunsIn): View => ({
      ...{ slot: side.view.slot, offset: side.offset },
      ...{ dtype: size === 2 ? 'bf16' : 'i8', shape: [spanOf(side) / size] },
    });
    const span = spanOf(y) / size;
    const args = { span, length: length / size, xStride: x.stride / size, yStride: y.stride / size };
    const words = Math.ceil((span * size) / 4) + 1;
    const overrides = { per_word: 4 / size };
    context.launch(
      'copy-parts',
      'copy_parts',
      { x: part(x), y: part(y) },
      args,
      flatGrid(context, words),
      overrides,
    );
    return;
  }
  const words = (side: RunsIn) => wordsAt(side.view, side.offset, spanOf(side));
  const count = (runs * length) / unit;
  const args = { count, length: length / unit, xStride: x.stride / unit, yStride: y.stride / unit };
  const module = unit === 16 ? 'copy-runs-vec4' : 'copy-runs';
  context.launch(module, 'copy_runs', { x: words(x), y: words(y) }, args, flatGrid(context, count));
}
