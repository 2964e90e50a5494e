/** What a product with a list of channels must give, in float64 on the host, and how far a result is from it. */
import { channelBytes } from '@qsparse/quantizers';

type Numbers = ArrayLike<number>;

/** Σ_j values_j · w[indices_j], w [inputs, outputs]. */
export function listSums(indices: Numbers, values: Numbers, w: Numbers, outputs: number): Float64Array {
  const sums = new Float64Array(outputs);
  for (let j = 0; j < indices.length; j++) {
    const [start, value] = [indices[j]! * outputs, values[j]!];
    for (let o = 0; o < outputs; o++) sums[o]! += value * w[start + o]!;
  }
  return sums;
}

/** The same for weights that packChannelMajor packed. */
export function ternarySums(indices: Numbers, values: Numbers, w: Numbers, outputs: number): Float64Array {
  const sums = new Float64Array(outputs);
  const bytes = channelBytes(outputs);
  // The layout that packChannelMajor describes.
  const places = Int32Array.from({ length: outputs }, (_, o) => Math.floor(o / 256) * 64 + (o % 64));
  const shifts = Int32Array.from({ length: outputs }, (_, o) => 2 * (Math.floor(o / 64) % 4));
  for (let j = 0; j < indices.length; j++) {
    const [start, value] = [indices[j]! * bytes, values[j]!];
    for (let o = 0; o < outputs; o++) sums[o]! += value * (((w[start + places[o]!]! >> shifts[o]!) & 3) - 1);
  }
  return sums;
}

/** ‖got - wanted‖ / ‖wanted‖; NaN where one is. */
export function relativeError(got: Numbers, wanted: Numbers, factor = 1): number {
  let [wrong, all] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    wrong += (got[i]! - factor * wanted[i]!) ** 2;
    all += (factor * wanted[i]!) ** 2;
  }
  return Math.sqrt(wrong / all);
}
