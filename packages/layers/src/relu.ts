/**
 * The ReLU models that Q-Sparse is compared with: ReLU in place of the selection at a site, and gates of ReLU. Made of plain
 * ops, since they are there for comparisons.
 *
 *   ReLU at a site    y = max(h, 0), h = norm(x)                             Mirzadeh et al., "ReLU Strikes Back", arXiv 2310.04564
 *   gate `relu`       h = max(gate, 0) ⊙ up                                  the same, in a gated layer
 *   gate `drelu`      h = max(gate, 0) ⊙ max(up, 0)                          Song et al., "Turbo Sparse", arXiv 2406.05955
 */
import { multiply, relu, rmsNorm, slice, type Tensor } from '@qsparse/core';
import { sparsify } from '@qsparse/quantizers';
import type { LinearConfig } from './config.ts';
import type { Site } from './linear.ts';

/** x [..., n] normed, without what is below 0, rounded to int8 levels where the config says so. */
export function reluInputs({ norm, epsilon }: Site, x: Tensor, { activations }: LinearConfig): Tensor {
  const positive = relu(norm ? rmsNorm(x, norm, { epsilon }) : x);
  return activations === 'int8' ? sparsify(positive, { int8: true }) : positive;
}

/** x [..., 2f], gate then up → [..., f]. */
export function reluGated(x: Tensor, kind: 'relu' | 'drelu'): Tensor {
  const width = x.shape.at(-1)! / 2;
  const gate = relu(slice(x, -1, 0, width));
  const up = slice(x, -1, width, width);
  return multiply(gate, kind === 'drelu' ? relu(up) : up);
}
