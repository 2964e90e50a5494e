/** Points of a known law with noise, on a grid of sizes and sparsities. */
import { lossAt, type ScalingLaw, type ScalingPoint } from '../src/index.ts';
import { normalNumber, randomNumbers } from '../src/random.ts';

/** Constants that a grid of a few decades can tell apart. */
export const LAW: ScalingLaw = { E: 1.7, B: 0.6, C: 0.8, alpha: 0.3, beta: 0.25, unit: 1e6 };
const SIZES: readonly number[] = [1e6, 3e6, 1e7, 3e7, 1e8];
const SPARSITIES: readonly number[] = [0, 0.2, 0.4, 0.6, 0.7, 0.8];

export function synthetic(
  law: ScalingLaw = LAW,
  {
    noise = 0,
    seed = 0,
    sizes = SIZES,
    sparsities = SPARSITIES,
  }: {
    readonly noise?: number;
    readonly seed?: number;
    readonly sizes?: readonly number[];
    readonly sparsities?: readonly number[];
  } = {},
): ScalingPoint[] {
  const uniform = randomNumbers(seed);
  return sizes.flatMap((parameters) =>
    sparsities.map((sparsity) => ({
      parameters,
      sparsity,
      loss: lossAt(law, { parameters, sparsity }) * Math.exp(noise * normalNumber(uniform)),
    })),
  );
}
