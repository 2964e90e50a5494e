/** The gated feed-forward layer: activation(gate) ⊙ up, then down. ReLU²GLU in Q-Sparse, SwiGLU in Llama. */
import type { Param, Tensor } from '@qsparse/core';
import type { DecoderConfig } from './config.ts';
import { computeDType, type Observe, project, type Site, selectGated, selectInputs } from './linear.ts';
import type { LowRankUpdate } from './low-rank.ts';
import { type PackedBlock, projectPacked, selectChannels, selectGatedChannels } from './packed.ts';

export interface GluLayer {
  readonly gateUp: Param | undefined; // [2f, d]: gate above up; undefined: packed alone
  readonly down: Param | undefined; // [d, f]
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
  /** The layer's weights in place of its own; nothing is observed then. */
  readonly packed?: PackedBlock | undefined;
}

/** x [B, T, d] → x + the layer [B, T, d]. */
export function gatedLinearUnit(
  layer: GluLayer,
  x: Tensor,
  { intermediateSize: f, activation, linear }: DecoderConfig,
  { observe, packed }: GluOptions = {},
): Tensor {
  const [bias, rest] = [layer.gateUpBias, { bias: layer.downBias, add: x }];
  if (packed) {
    const dtype = computeDType(x);
    const channels = selectChannels(layer.inputSite, x, packed.gateUp, linear); // one selection for gate and up
    const gateUp = projectPacked(channels, packed.gateUp, dtype, { bias }); // [B, T, 2f]
    const gated = selectGatedChannels(layer.downSite, gateUp, activation, packed.down, linear);
    return projectPacked(gated, packed.down, dtype, rest);
  }
  const inputs = selectInputs(layer.inputSite, x, linear, observe);
  const options = { sections: [f, f], bias, update: layer.gateUpUpdate };
  const gateUp = project(inputs, layer.gateUp, linear, options);
  const gated = selectGated(layer.downSite, gateUp, activation, linear, observe); // [B, T, f]
  return project(gated, layer.down, linear, { ...rest, update: layer.downUpdate });
}
