/** Examples to learn from and examples held back, chosen by a seed. */
import { DataError, PackingError } from '../errors.ts';
import { permutation } from '../packing/random.ts';

/** Both parts in the order of the list; at least one in each. Throws `PackingError` (`too-short`) for fewer than two. */
export function splitExamples<T>(
  examples: readonly T[],
  { validationFraction, seed = 0 }: { readonly validationFraction: number; readonly seed?: number },
): { readonly train: readonly T[]; readonly validation: readonly T[] } {
  if (!(validationFraction > 0 && validationFraction < 1)) {
    const what = `validationFraction must lie between 0 and 1, got ${validationFraction}`;
    throw new DataError('value', 'splitExamples', what);
  }
  const { length } = examples;
  if (length < 2) {
    const what = `two examples are needed, one to learn from and one to hold back, there are ${length}`;
    throw new PackingError('too-short', 'splitExamples', what, 'give more examples');
  }
  const count = Math.min(length - 1, Math.max(1, Math.round(length * validationFraction)));
  const held = new Set(permutation(length, seed, SPLIT_STREAM).subarray(0, count));
  return {
    train: examples.filter((_, index) => !held.has(index)),
    validation: examples.filter((_, index) => held.has(index)),
  };
}

/** A stream of random numbers that no epoch reaches. */
const SPLIT_STREAM = Number.MAX_SAFE_INTEGER;
