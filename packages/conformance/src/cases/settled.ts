/**
 * Inputs of ops that round and select in between, chosen so that float32 arithmetic leaves a device no choice: what is
 * rounded to bf16 is not near the middle between two of its numbers, what is selected from has no near ties at the cut,
 * and what becomes int8 is not near the middle between two levels. Exact ties are fine: they stay ties.
 */
import { asRows, gatedActivationOp, rmsNormOp, roundTo, type Shape, sizeOf, toBf16Bits } from '@qsparse/core';
import type { SparsifyAttrs } from '@qsparse/quantizers';
import type { Draw } from '../draw.ts';
import { ONLY_LARGE, type Values } from '../op-case.ts';

/** How far a device may be off before it rounds or compares, as a share: sums, a root, an exponential in float32. */
const UNSURE = 4e-6;

type Kind = Parameters<typeof gatedActivationOp.reference>[2]['kind'];

/** Of sparsifyOp, or of gatedSparsifyOp. */
export type SiteAttrs = SparsifyAttrs & { readonly kind?: Kind };

export interface SiteInputs {
  readonly x: Values;
  readonly weight?: Values | undefined;
}

/** What the op makes of x on the way to what it selects from, each before it is rounded; none where that is x itself. */
export function intermediates({ x, weight }: SiteInputs, attrs: SiteAttrs): readonly Float64Array[] {
  const made: Float64Array[] = [];
  const rows = x.elements.length / asRows(x.shape).width;
  let h = x.elements;
  if (attrs.kind) {
    const width = asRows(x.shape).width / 2;
    const half = (which: number) =>
      Float64Array.from(
        { length: rows * width },
        (_, i) => x.elements[(2 * Math.floor(i / width) + which) * width + (i % width)]!,
      );
    const type = { dtype: x.dtype, shape: [rows, width] };
    made.push(new Float64Array(rows * width));
    const ins = { gate: half(0), up: half(1) };
    const types = { gate: type, up: type, y: type };
    gatedActivationOp.reference(ins, { y: made[0]! }, { kind: attrs.kind }, types);
    h = made[0]!.slice();
    roundTo(x.dtype, h);
  }
  if (attrs.normalize) {
    const type = { dtype: x.dtype, shape: [rows, h.length / rows] };
    const y = new Float64Array(h.length);
    const outs = { y, inverseRms: new Float64Array(rows) };
    const types = { x: type, y: type, inverseRms: { dtype: 'f32', shape: [rows] } as const };
    rmsNormOp.reference({ x: h, weight: weight?.elements }, outs, attrs, types);
    made.push(y);
  }
  return made;
}

/** Whether all of the above holds for the op on these inputs. */
export function isSettled(ins: SiteInputs, attrs: SiteAttrs): boolean {
  const made = intermediates(ins, attrs);
  const width = asRows(ins.x.shape).width / (attrs.kind ? 2 : 1);
  // Where nothing is chosen, a number that is rounded the other way is only that.
  if (attrs.k === (attrs.block || width) && !attrs.int8 && !attrs.normalize) return true;
  if (ins.x.dtype === 'bf16') return made.every((numbers) => numbers.every(roundsSurely));
  const h = made.at(-1) ?? ins.x.elements;
  for (let first = 0; first < h.length; first += width) {
    const row = h.subarray(first, first + width);
    if (!row.every(Number.isFinite)) continue;
    if (attrs.int8 && !hasSureLevels(row)) return false;
    const length = attrs.block || width;
    for (let at = 0; at < width; at += length) {
      if (!hasSureCut(row.subarray(at, at + length), attrs.k)) return false;
    }
  }
  return true;
}

const differsWhenOff = (x: number, of: (x: number) => number): boolean =>
  of(x * (1 - UNSURE)) !== of(x * (1 + UNSURE));

const roundsSurely = (x: number): boolean => !Number.isFinite(x) || !differsWhenOff(x, toBf16Bits);

function hasSureLevels(row: Float64Array): boolean {
  const largest = row.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-5);
  return row.every((x) => {
    const level = (127 * x) / largest;
    return level % 1 === 0 || !differsWhenOff(level, Math.round);
  });
}

function hasSureCut(row: Float64Array, k: number): boolean {
  if (k === row.length) return true;
  const sorted = row.map(Math.abs).sort();
  const [above, below] = [sorted[row.length - k]!, sorted[row.length - k - 1]!];
  return above === below || above - below > UNSURE * above;
}

const MOST_DRAWS = 3000;

/**
 * x of `shape`, each of its rows drawn anew until the op is settled on it; the first one in the end for a size that no
 * case has in bf16, where hardly any row would do.
 */
export function settledRows(
  draw: Draw,
  shape: Shape,
  attrs: SiteAttrs,
  weight: Values | undefined,
  drawRow: (shape: Shape) => Values,
): Values {
  const rowShape = shape.slice(-1);
  const elements = new Float64Array(sizeOf(shape));
  let dtype = draw.dtype;
  for (let first = 0; first < elements.length; first += sizeOf(rowShape)) {
    let row = drawRow(rowShape);
    const isIdle = row.dtype === 'bf16' && elements.length >= ONLY_LARGE;
    for (let draws = 1; !isIdle && !isSettled({ x: row, weight }, attrs); draws++) {
      if (draws === MOST_DRAWS)
        throw new Error(`no row of ${rowShape} is settled for ${JSON.stringify(attrs)}`);
      row = drawRow(rowShape);
    }
    elements.set(row.elements, first);
    dtype = row.dtype as Draw['dtype'];
  }
  return { dtype, shape, elements };
}
