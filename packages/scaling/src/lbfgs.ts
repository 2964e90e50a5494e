/**
 * L-BFGS (Nocedal and Wright, algorithm 7.5) with a line search that brackets the weak Wolfe conditions, which also
 * gets on where a function is nearly not smooth (Lewis and Overton 2013). Plain numbers, no constraints.
 */

/** Value at x; writes the gradient into `gradient`. */
export type Objective = (x: Float64Array, gradient: Float64Array) => number;

export interface MinimizeOptions {
  /** Steps at most. Default 500. */
  readonly maxSteps?: number;
  /** Done when no entry of the gradient is larger. Default 1e-9. */
  readonly gradientTolerance?: number;
  /** Done when a step lowers the value by less than this share of it, three times in a row. Default 1e-12. */
  readonly valueTolerance?: number;
}

export interface Minimum {
  readonly x: Float64Array;
  readonly value: number;
  readonly steps: number;
  /** False where the steps ran out, or no step could be found that lowers the value. */
  readonly converged: boolean;
}

/** Pairs of steps and gradient changes that stand for the curvature. */
const MEMORY = 10;
const SUFFICIENT_DECREASE = 1e-4;
const CURVATURE = 0.9;
const MAX_TRIALS = 50;
/** Small steps in a row that mean the end: one alone may be bad luck. */
const SMALL_STEPS = 3;

interface Pair {
  readonly step: Float64Array;
  readonly change: Float64Array;
  readonly inverse: number;
}

/** The minimum that the start leads to. A value that is not finite counts as infinitely large. */
export function minimize(
  objective: Objective,
  start: ArrayLike<number>,
  options: MinimizeOptions = {},
): Minimum {
  const { maxSteps = 500, gradientTolerance = 1e-9, valueTolerance = 1e-12 } = options;
  let x: Float64Array = Float64Array.from(start);
  let gradient: Float64Array = new Float64Array(x.length);
  let value = objective(x, gradient);
  const pairs: Pair[] = [];
  let small = 0;
  for (let steps = 0; ; steps++) {
    if (!Number.isFinite(value)) return { x, value, steps, converged: false };
    if (gradient.every((slope) => Math.abs(slope) <= gradientTolerance))
      return { x, value, steps, converged: true };
    if (small >= SMALL_STEPS) return { x, value, steps, converged: true };
    if (steps === maxSteps) return { x, value, steps, converged: false };
    let direction = downhill(gradient, pairs);
    if (dot(direction, gradient) >= 0) {
      pairs.length = 0;
      direction = downhill(gradient, pairs);
    }
    const next = search(objective, x, value, gradient, direction);
    if (!next) {
      // The memory may mislead; without it the direction is the gradient's.
      if (pairs.length === 0) return { x, value, steps, converged: false };
      pairs.length = 0;
      continue;
    }
    const step = next.x.map((entry, i) => entry - x[i]!);
    const change = next.gradient.map((entry, i) => entry - gradient[i]!);
    const curvature = dot(step, change);
    if (curvature > 1e-14 * Math.sqrt(dot(step, step) * dot(change, change))) {
      pairs.push({ step, change, inverse: 1 / curvature });
      if (pairs.length > MEMORY) pairs.shift();
    }
    small = value - next.value <= valueTolerance * Math.abs(value) ? small + 1 : 0;
    ({ x, value, gradient } = next);
  }
}

/** Minus the inverse Hessian, as far as the pairs know it, times the gradient. */
function downhill(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const direction = gradient.map((slope) => -slope);
  const shares: number[] = [];
  for (const { step, change, inverse } of pairs.toReversed()) {
    const share = inverse * dot(step, direction);
    addScaled(direction, change, -share);
    shares.push(share);
  }
  const last = pairs.at(-1);
  // Without a pair, a first step of length 1 at most.
  const scale = last
    ? 1 / (last.inverse * dot(last.change, last.change))
    : Math.min(1, 1 / Math.sqrt(dot(gradient, gradient)));
  for (let i = 0; i < direction.length; i++) direction[i]! *= scale;
  for (const { step, change, inverse } of pairs)
    addScaled(direction, step, shares.pop()! - inverse * dot(change, direction));
  return direction;
}

interface Trial {
  readonly x: Float64Array;
  readonly value: number;
  readonly gradient: Float64Array;
}

/**
 * The first point on the way down that fulfils both conditions; the best that lowers the value where none is found, as in
 * front of a cliff; undefined where nothing lowers it.
 */
function search(
  objective: Objective,
  x: Float64Array,
  value: number,
  gradient: Float64Array,
  direction: Float64Array,
): Trial | undefined {
  const slope = dot(direction, gradient);
  let [low, high, length] = [0, Number.POSITIVE_INFINITY, 1];
  let best: Trial | undefined;
  for (let trial = 0; trial < MAX_TRIALS; trial++) {
    const at = x.map((entry, i) => entry + length * direction[i]!);
    const gradientAt = new Float64Array(x.length);
    const valueAt = objective(at, gradientAt);
    if (!(valueAt <= value + SUFFICIENT_DECREASE * length * slope)) high = length;
    else {
      best = { x: at, value: valueAt, gradient: gradientAt };
      if (dot(direction, gradientAt) >= CURVATURE * slope) return best;
      low = length;
    }
    length = high < Number.POSITIVE_INFINITY ? (low + high) / 2 : 2 * low;
  }
  return best;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function addScaled(to: Float64Array, from: Float64Array, factor: number): void {
  for (let i = 0; i < to.length; i++) to[i]! += factor * from[i]!;
}
