/** How close a device must come to the goldens, and why. */
import type { Capabilities } from '@qsparse/core';
import type { DecoderConfig } from '@qsparse/layers';

export interface Tolerances {
  readonly logits: number;
  readonly gradients: number;
  readonly losses: number;
  readonly norms: number;
  readonly note: string;
}

/** The goldens are float64 numbers rounded to float32. */
export function tolerancesFor({ float64 }: Capabilities, { linear }: DecoderConfig): Tolerances {
  const ternary = linear.weights === 'ternary';
  const nearTies = ternary && linear.sparsity.kind !== 'dense';
  if (float64) {
    return {
      logits: 1e-5,
      gradients: 1e-5,
      losses: nearTies ? 2e-3 : 1e-6,
      norms: nearTies ? 2e-2 : 1e-5,
      note: nearTies
        ? 'float64; near-ties of a ternary top-K curve may fall either way'
        : 'float64; goldens rounded to float32',
    };
  }
  return { logits: 1e-4, gradients: 1e-4, losses: 2e-3, norms: 2e-2, note: 'float32' };
}
