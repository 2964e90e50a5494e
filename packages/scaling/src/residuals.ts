/**
 * What a fit makes small: Σ Huber_δ(log L̂ − log L), with its gradient, in coordinates that a minimiser likes. E, B and C
 * are looked for by their logarithms, so that they stay positive; N is taken relative to the middle of the sizes and
 * 1 / (1 − S) relative to the middle of the sparsities, so that B and C do not move with α and β.
 */
import { CONSTANTS, type ConstantName, type Constants, type ScalingLaw } from './law.ts';
import type { ScalingPoint } from './points.ts';

export interface Residuals {
  /** Constants that are looked for, in the order of the coordinates. */
  readonly free: readonly ConstantName[];
  /** Coordinates of a law whose fixed constants are those given. */
  coordinates(law: Constants): Float64Array;
  /** The law at these coordinates, N in `unit`. */
  law(coordinates: Float64Array): ScalingLaw;
  /** log L̂ of each point. */
  predict(coordinates: Float64Array): Float64Array;
  /** Σ Huber / (n δ²) against these log losses; writes the gradient. */
  loss(coordinates: Float64Array, logLosses: ArrayLike<number>, gradient: Float64Array): number;
}

/** `fixed` constants are those of N in `unit`. */
export function residualsOf(
  points: readonly ScalingPoint[],
  {
    fixed,
    unit,
    delta,
  }: { readonly fixed: Partial<Constants>; readonly unit: number; readonly delta: number },
): Residuals {
  const count = points.length;
  const sizes = points.map(({ parameters }) => Math.log(parameters / unit));
  const stretches = points.map(({ sparsity }) => 1 / (1 - sparsity));
  const middleSize = mean(sizes);
  const middleStretch = mean(stretches);
  const u = sizes.map((size) => size - middleSize);
  const v = stretches.map((stretch) => stretch - middleStretch);
  const free = CONSTANTS.filter((name) => fixed[name] === undefined);
  const places = CONSTANTS.map((name) => free.indexOf(name));

  const sizesOfB = places[1]! >= 0 ? u : sizes;
  const sizesOfC = places[2]! >= 0 ? u : sizes;
  const stretchesOfC = places[2]! >= 0 ? v : stretches;

  /** All five: E, alpha and beta as they are, B and C in the middle of the grid; unknown ones from the coordinates. */
  const unpack = (
    at: Float64Array,
  ): readonly [e: number, b: number, c: number, alpha: number, beta: number] => {
    const [e, b, c, alpha, beta] = CONSTANTS.map((name, i) => {
      const place = places[i]!;
      if (place >= 0) return at[place]!;
      return name === 'alpha' || name === 'beta' ? fixed[name]! : Math.log(fixed[name]!);
    }) as [number, number, number, number, number];
    const shift = -alpha * middleSize;
    return [
      e,
      places[1]! >= 0 ? b : b + shift,
      places[2]! >= 0 ? c : c + shift + beta * middleStretch,
      alpha,
      beta,
    ];
  };
  return {
    free,
    coordinates({ E, B, C, alpha, beta }) {
      const shift = -alpha * middleSize;
      const all = [Math.log(E), Math.log(B) + shift, Math.log(C) + shift + beta * middleStretch, alpha, beta];
      return Float64Array.from(all.filter((_, i) => places[i]! >= 0));
    },
    law(at) {
      const [e, b, c, alpha, beta] = unpack(at);
      const shift = alpha * middleSize;
      return {
        E: fixed.E ?? Math.exp(e),
        B: fixed.B ?? Math.exp(b + shift),
        C: fixed.C ?? Math.exp(c + shift - beta * middleStretch),
        alpha,
        beta,
        unit,
      };
    },
    predict(at) {
      const [e, b, c, alpha, beta] = unpack(at);
      return Float64Array.from({ length: count }, (_, i) =>
        logSumExp(e, b - alpha * u[i]!, c + beta * v[i]! - alpha * u[i]!),
      );
    },
    loss(at, logLosses, gradient) {
      const [e, b, c, alpha, beta] = unpack(at);
      let [total, slopeE, slopeB, slopeC, slopeAlpha, slopeBeta] = [0, 0, 0, 0, 0, 0];
      for (let i = 0; i < count; i++) {
        const logB = b - alpha * u[i]!;
        const logC = c + beta * v[i]! - alpha * u[i]!;
        const predicted = logSumExp(e, logB, logC);
        const residual = (predicted - logLosses[i]!) / delta;
        const isFar = Math.abs(residual) > 1;
        total += isFar ? Math.abs(residual) - 0.5 : residual ** 2 / 2;
        const pull = (isFar ? Math.sign(residual) : residual) / (count * delta);
        const ofB = pull * Math.exp(logB - predicted);
        const ofC = pull * Math.exp(logC - predicted);
        slopeE += pull * Math.exp(e - predicted);
        slopeB += ofB;
        slopeC += ofC;
        // A fixed B or C does not move with the middle of the grid: its exponents count from N = 1 and S = 0.
        slopeAlpha -= ofB * sizesOfB[i]! + ofC * sizesOfC[i]!;
        slopeBeta += ofC * stretchesOfC[i]!;
      }
      const slopes = [slopeE, slopeB, slopeC, slopeAlpha, slopeBeta];
      for (const [i, place] of places.entries()) if (place >= 0) gradient[place] = slopes[i]!;
      return total / count;
    },
  };
}

/** log Σ exp; a term that is fixed at zero is −∞. */
function logSumExp(a: number, b: number, c: number): number {
  const largest = Math.max(a, b, c);
  return largest + Math.log(Math.exp(a - largest) + Math.exp(b - largest) + Math.exp(c - largest));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
