/** Numbers to places on an axis: linear or logarithmic, with ticks that people read. */

export interface Axis {
  readonly scale: 'linear' | 'log';
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly number[];
  /** 0 at `from`, 1 at `to`. */
  at(value: number): number;
}

export interface AxisOptions {
  readonly scale?: Axis['scale'] | undefined;
  /** About how many. Default 5. */
  readonly ticks?: number;
  /** Room beyond the values at both ends, as a share of their range. Default 0. */
  readonly room?: number;
}

/** An axis over all finite `values` (a log one over the positive), never of no length. */
export function axisOver(
  values: Iterable<number>,
  { scale = 'linear', ticks = 5, room = 0 }: AxisOptions = {},
): Axis {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (!Number.isFinite(value) || (scale === 'log' && value <= 0)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) [low, high] = [scale === 'log' ? 1 : 0, scale === 'log' ? 10 : 1];
  if (scale === 'log') {
    if (low === high) [low, high] = [low / 2, high * 2];
    const beyond = (high / low) ** room;
    [low, high] = [low / beyond, high * beyond];
    const [start, length] = [Math.log(low), Math.log(high) - Math.log(low)];
    const at = (value: number) => (Math.log(value) - start) / length;
    return { scale, from: low, to: high, ticks: logTicks(low, high, ticks), at };
  }
  if (low === high) [low, high] = low === 0 ? [0, 1] : [low - Math.abs(low) / 10, high + Math.abs(high) / 10];
  const beyond = room * (high - low);
  [low, high] = [low - beyond, high + beyond];
  const at = (value: number) => (value - low) / (high - low);
  return { scale, from: low, to: high, ticks: linearTicks(low, high, ticks), at };
}

/** Multiples of 1, 2 or 5 times a power of ten. */
function linearTicks(low: number, high: number, count: number): readonly number[] {
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Powers of ten, with 2 and 5 between them where there is room; plain ticks over less than an octave or two. */
function logTicks(low: number, high: number, count: number): readonly number[] {
  for (const factors of [[1, 2, 5], [1]]) {
    const found: number[] = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
      for (const factor of factors) {
        const tick = Number((factor * 10 ** power).toPrecision(3));
        if (tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9)) found.push(tick);
      }
    if (found.length < 2) return linearTicks(low, high, count);
    if (found.length <= 2 * count || factors.length === 1) return found;
  }
  return [];
}

/** 0.001 to 9,999 as they are, what is smaller or larger with a power of ten or a letter. */
export function tickLabel(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1e9) return `${Number((value / 1e9).toPrecision(4))}G`;
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(4))}M`;
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(4))}k`;
  const digits = Number(value.toPrecision(4));
  return size < 1e-3 ? digits.toExponential() : String(digits);
}
