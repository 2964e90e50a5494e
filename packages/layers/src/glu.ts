/** The gated feed-forward layer: activation(gate) ⊙ up, then down. ReLU²GLU in Q-Sparse, SwiGLU in Llama. */
import type { Param, Tensor } from '@qsparse/core';
import type { DecoderConfig } from './config.ts';
import { type Observe, project, type Site, selectGated, selectInputs } from './linear.ts';
import type { LowRankUpdate } from './low-rank.ts';
import { type PackedBlock, projectPacked } from './packed.ts';

export interface GluLayer {
  readonly gateUp: Param; // [2f, d]: gate above up
  readonly down: Param; // [d, f]
  readonly gateUpBias?: Param | undefined; // [2f]
  readonly downBias?: Param | undefined; // [d]
  /** What an adapter adds to the weights. */
  readonly gateUpUpdate?: LowRankUpdate | undefined;
  readonly downUpdate?: LowRankUpdate | undefined;
  readonly inputSite: Site;
  readonly downSite: Site;
}

export interface GluOptions {
  readonly observe?: Observe | undefined;
  /** The layer's weights for few tokens, in place of its own. */
  readonly packed?: PackedBlock | undefined;
}

/** x [B, T, d] → x + the layer [B, T, d]. */
export function gatedLinearUnit(
  layer: GluLayer,
  x: Tensor,
  { intermediateSize: f, activation, linear }: DecoderConfig,
  { observe, packed }: GluOptions = {},
): Tensor {
  const inputs = selectInputs(layer.inputSite, x, linear, observe); // one selection for gate and up
  const bias = layer.gateUpBias;
  const gateUp = packed
    ? projectPacked(layer.inputSite, inputs, packed.gateUp, linear, { bias })
    : project(inputs, layer.gateUp, linear, { sections: [f, f], bias, update: layer.gateUpUpdate }); // [B, T, 2f]
  const gated = selectGated(layer.downSite, gateUp, activation, linear, observe); // [B, T, f]
  const rest = { bias: layer.downBias, add: x };
  return packed
    ? projectPacked(layer.downSite, gated, packed.down, linear, rest)
    : project(gated, layer.down, linear, { ...rest, update: layer.downUpdate });
}
