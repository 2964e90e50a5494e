/** The gated feed-forward layer: activation(gate) ⊙ up, then down. ReLU²GLU in Q-Sparse, SwiGLU in Llama. */
import type { Param, Tensor } from '@qsparse/core';
import type { DecoderConfig } from './config.ts';
import { type Observe, project, type Site, selectGated, selectInputs } from './linear.ts';

export interface GluLayer {
  readonly gateUp: Param; // [2f, d]: gate above up
  readonly down: Param; // [d, f]
  readonly gateUpBias?: Param | undefined; // [2f]
  readonly downBias?: Param | undefined; // [d]
  readonly inputSite: Site;
  readonly downSite: Site;
}

/** x [B, T, d] → x + the layer [B, T, d]. */
export function gatedLinearUnit(
  layer: GluLayer,
  x: Tensor,
  { intermediateSize: f, activation, linear }: DecoderConfig,
  observe?: Observe,
): Tensor {
  const inputs = selectInputs(layer.inputSite, x, linear, observe); // one selection for gate and up
  const gateUp = project(inputs, layer.gateUp, linear, { sections: [f, f], bias: layer.gateUpBias }); // [B, T, 2f]
  const gated = selectGated(layer.downSite, gateUp, activation, linear, observe); // [B, T, f]
  return project(gated, layer.down, linear, { bias: layer.downBias, add: x });
}
