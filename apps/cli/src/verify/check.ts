/** How far numbers of ours are from expected ones, as checks with tolerances. Errors are relative unless they say so. */
import { sameShape, showShape, type Tensor } from '@qsparse/core';
import { FormatError, type TensorStore, toFloat32 } from '@qsparse/formats';

export interface Check {
  /** What was compared, such as `logits` or `grad.NAME`. */
  readonly quantity: string;
  /** Largest relative error; of tokens, how many differ. */
  readonly error: number;
  readonly tolerance: number;
  readonly pass: boolean;
}

export const check = (quantity: string, error: number, tolerance: number): Check => ({
  quantity,
  error,
  tolerance,
  pass: error <= tolerance,
});

/** The relative distance of a whole tensor. Throws FormatError where the folder has no such tensor. */
export async function difference(store: TensorStore, name: string, tensor: Tensor): Promise<number> {
  const stored = await store.read(name);
  const expected = toFloat32(stored);
  const actual = await tensor.data();
  if (!sameShape(stored.shape, tensor.shape)) {
    const shapes = `must have shape ${showShape(tensor.shape)}, got ${showShape(stored.shape)}`;
    throw new FormatError('shape', `[verify] ${store.name}: tensor "${name}" ${shapes}; check the folder`, {
      file: store.name,
      tensor: name,
    });
  }
  return relativeDistance(actual, expected);
}

/** The median over tokens of ‖actual − expected‖ / ‖expected‖ of a token's `width` logits. */
export function medianTokenError(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  width: number,
): number {
  const errors = Array.from({ length: actual.length / width }, (_, token) =>
    relativeDistance(actual, expected, token * width, width),
  );
  return errors.sort((a, b) => a - b)[errors.length >> 1]!;
}

/** ‖actual − expected‖ / ‖expected‖ of `length` entries from `first`; infinite for a NaN. */
export function relativeDistance(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  first = 0,
  length: number = expected.length,
): number {
  let [distance, size] = [0, 0];
  for (let i = first; i < first + length; i++) {
    distance += (actual[i]! - expected[i]!) ** 2;
    size += expected[i]! ** 2;
  }
  return finiteOrInfinite(Math.sqrt(distance / (size || 1)));
}

export const relative = (actual: number, expected: number): number =>
  finiteOrInfinite(Math.abs(actual - expected) / Math.abs(expected));

const finiteOrInfinite = (error: number): number => (Number.isNaN(error) ? Number.POSITIVE_INFINITY : error);

export interface Verification {
  readonly folder: string;
  readonly device: string;
  readonly checks: readonly Check[];
  readonly pass: boolean;
  /** Why the tolerances are what they are. */
  readonly note: string;
}
