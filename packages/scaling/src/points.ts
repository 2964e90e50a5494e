/** What a law is fitted to, and whether it can be: enough points, spread over sizes and sparsities. */

import { ScalingError } from './errors.ts';
import { CONSTANTS, type ConstantName, requirePositive, requireSparsity } from './law.ts';

/** One trained model. */
export interface ScalingPoint {
  /** N in all, active or not; what is counted is the caller's choice, the same for every point. */
  readonly parameters: number;
  /** Share of inputs left out, 0 up to, not including, 1. */
  readonly sparsity: number;
  /** nats, or any other positive measure of which less is better */
  readonly loss: number;
}

/** Fewer values of one kind cannot hold three constants. */
const FEWEST_VALUES = 3;

/** Throws ScalingError (`value`, `too-few-points`, `degenerate-grid`) where `free` constants cannot be found. */
export function requireGrid(
  where: string,
  points: readonly ScalingPoint[],
  free: readonly ConstantName[],
): void {
  for (const [i, { parameters, sparsity, loss }] of points.entries()) {
    try {
      requirePositive(where, 'parameters', parameters);
      requirePositive(where, 'loss', loss);
      requireSparsity(where, sparsity);
    } catch (error) {
      if (!(error instanceof ScalingError)) throw error;
      const what = error.message.slice(where.length + 3).split('; ')[0]!;
      throw new ScalingError('value', where, `point ${i + 1}: ${what}`, 'correct it or leave it out', i);
    }
  }
  if (points.length <= free.length) {
    throw new ScalingError(
      'too-few-points',
      where,
      `at least ${free.length + 1} points are required for ${free.length} constants, got ${points.length}`,
      'train more models, or fix constants',
    );
  }
  const sizes = groupBy(points, ({ parameters }) => parameters);
  const sparsities = groupBy(points, ({ sparsity }) => sparsity);
  const isFree = (...names: readonly ConstantName[]): number =>
    names.filter((name) => free.includes(name)).length;
  // Along N the law has an offset, a height and an exponent; along S as many.
  requireValues(where, 'sizes', sizes, Math.min(FEWEST_VALUES, isFree('E', 'alpha') + 1));
  requireValues(where, 'sparsities', sparsities, Math.min(FEWEST_VALUES, isFree('B', 'C', 'beta')));
  const crossed = (groups: Groups): boolean => [...groups.values()].some(({ size }) => size > 1);
  if (free.length < CONSTANTS.length || (crossed(sizes) && crossed(sparsities))) return;
  throw new ScalingError(
    'degenerate-grid',
    where,
    'some size must come with two sparsities and some sparsity with two sizes, got one of each for every point',
    'train the rest of the grid',
  );
}

type Groups = ReadonlyMap<number, ReadonlySet<number>>;

/** The other values of the points by one of theirs. */
function groupBy(points: readonly ScalingPoint[], keyOf: (point: ScalingPoint) => number): Groups {
  const groups = new Map<number, Set<number>>();
  for (const point of points) {
    const key = keyOf(point);
    const others = groups.get(key) ?? new Set();
    groups.set(key, others.add(key === point.parameters ? point.sparsity : point.parameters));
  }
  return groups;
}

function requireValues(where: string, name: string, groups: Groups, fewest: number): void {
  if (groups.size >= fewest) return;
  const values = [...groups.keys()].join(', ');
  throw new ScalingError(
    'degenerate-grid',
    where,
    `at least ${fewest} different ${name} are required, got ${groups.size} (${values})`,
    'train others, or fix constants',
  );
}
