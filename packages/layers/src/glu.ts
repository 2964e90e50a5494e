/** The gated feed-forward layer: activation(gate) ⊙ up, then down. ReLU²GLU in Q-Sparse, SwiGLU in Llama. */
import { gatedActivation, type Param, type Tensor } from '@qsparse/core';
import type { DecoderConfig } from './config.ts';
import { type Observe, project, type Site, select } from './linear.ts';

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
  const normed = select(layer.inputSite, x, linear, observe); // one selection for gate and up
  const gated = gatedActivation(
    project(normed, layer.gate, linear),
    project(normed, layer.up, linear),
    activation,
  );
  return project(select(layer.downSite, gated, linear, observe), layer.down, linear);
}
