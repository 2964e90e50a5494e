/** The gated feed-forward layer: activation(gate) ⊙ up, then down. ReLU²GLU in Q-Sparse, SwiGLU in Llama. */
import { gatedActivation, type Param, type Tensor } from '@qsparse/core';
import type { DecoderConfig } from './config.ts';
import { type Observe, project, type Site, selectInputs } from './linear.ts';

export interface GluLayer {
  readonly gate: Param; // [f, d]
  readonly up: Param; // [f, d]
  readonly down: Param; // [d, f]
  readonly inputSite: Site;
  readonly downSite: Site;
}

/** x [B, T, d] → [B, T, d], without the residual. */
export function gatedLinearUnit(
  layer: GluLayer,
  x: Tensor,
  { activation, linear }: DecoderConfig,
  observe?: Observe,
): Tensor {
  const inputs = selectInputs(layer.inputSite, x, linear, observe); // one selection for gate and up
  const gate = project(inputs, layer.gate, linear); // [B, T, f]
  const gated = gatedActivation(gate, project(inputs, layer.up, linear), activation);
  return project(selectInputs(layer.downSite, gated, linear, observe), layer.down, linear);
}
