/**
 * The decoder of Q-Sparse (arXiv 2407.10969) on BitNet b1.58 or full-precision weights: a pre-norm transformer whose
 * linear layers see only the K largest of their inputs.
 *
 *   x = E[tokens]
 *   for each block:  x = x + W_o S(attention(S(norm x) W_q, S(norm x) W_k, S(norm x) W_v))
 *                    x = x + W_down S(relu²(S(norm x) W_gate) ⊙ S(norm x) W_up)
 *   logits = norm(x) H
 *
 * S keeps K inputs a token (and rounds them to int8); each W may be ternary. Embedding E and head H stay dense.
 */
import {
  add,
  crossEntropy,
  type Device,
  embedding,
  keep,
  matmul,
  type Param,
  type ParamArena,
  paramArena,
  rmsNorm,
  ropeTable,
  scope,
  type Tensor,
  tensor,
} from '@qsparse/core';
import { type AttentionLayer, type KeyValueCache, selfAttention } from './attention.ts';
import { checkConfig, type DecoderConfig, type Sparsity } from './config.ts';
import { type GluLayer, gatedLinearUnit } from './glu.ts';
import type { Observe, Site } from './linear.ts';
import { decoderParams } from './parameters.ts';

export interface DecoderBlock {
  readonly attention: AttentionLayer;
  readonly feedForward: GluLayer;
}

export interface Decoder {
  readonly device: Device;
  /** `setSparsity` replaces it. */
  config: DecoderConfig;
  readonly arena: ParamArena;
  readonly embedding: Param; // [V, d]
  readonly blocks: readonly DecoderBlock[];
  readonly finalNorm: Param; // [d]
  readonly head: Param; // [V, d]; the embedding itself when tied
  readonly ropeTable: Tensor; // [context, D / 2, 2]
  dispose(): void;
}

export interface ForwardOptions {
  /** Where earlier tokens are, and where these go. */
  readonly cache?: KeyValueCache | undefined;
  /** Sees what every site lets through; costs nothing when absent. */
  readonly observe?: Observe | undefined;
}

/** A decoder with zero weights: fill them with `initialize` or from a checkpoint. Throws ValueError for a bad config. */
export function createDecoder(device: Device, config: DecoderConfig): Decoder {
  checkConfig(config);
  const { layers, contextLength: length, headSize: headDim, ropeTheta: theta, ropeScaling: scaling } = config;
  const angles = ropeTable({ headDim, length, theta, scaling });
  const arena = paramArena(device, decoderParams(config));
  const table = keep(tensor(device, angles, [length, headDim / 2, 2]));
  const param = (name: string): Param => arena.params.get(`${name}.weight`)!;
  const embedded = param('model.embed_tokens');
  return {
    device,
    config,
    arena,
    embedding: embedded,
    blocks: Array.from({ length: layers }, (_, i) => blockOf(arena, i, config.normEpsilon)),
    finalNorm: param('model.norm'),
    head: config.tiedEmbedding ? embedded : param('lm_head'),
    ropeTable: table,
    dispose() {
      table.dispose();
      arena.dispose();
    },
  };
}

function blockOf({ params }: ParamArena, layer: number, epsilon: number): DecoderBlock {
  const param = (name: string): Param => params.get(`model.layers.${layer}.${name}.weight`)!;
  // A sub-layer norm that the config leaves out has no parameter.
  const site = (name: string, norm: string): Site => ({
    name: `layers.${layer}.${name}`,
    norm: params.get(`model.layers.${layer}.${norm}.weight`),
    epsilon,
  });
  return {
    attention: {
      query: param('self_attn.q_proj'),
      key: param('self_attn.k_proj'),
      value: param('self_attn.v_proj'),
      output: param('self_attn.o_proj'),
      inputSite: site('qkv', 'input_layernorm'),
      outputSite: site('o', 'self_attn.attn_sub_norm'),
    },
    feedForward: {
      gate: param('mlp.gate_proj'),
      up: param('mlp.up_proj'),
      down: param('mlp.down_proj'),
      inputSite: site('gate-up', 'post_attention_layernorm'),
      downSite: site('down', 'mlp.ffn_sub_norm'),
    },
  };
}

/** tokens i32 [B, T] → the final normed states [B, T, d]. */
export function hiddenStates(
  { embedding: table, blocks, config, ropeTable: angles, finalNorm }: Decoder,
  tokens: Tensor,
  { cache, observe }: ForwardOptions = {},
): Tensor {
  let x = embedding(table, tokens); // [B, T, d]
  for (const [i, { attention, feedForward }] of blocks.entries()) {
    const layerCache = cache?.layers[i];
    x = scope(() => add(x, selfAttention(attention, x, config, angles, { cache: layerCache, observe })));
    x = scope(() => add(x, gatedLinearUnit(feedForward, x, config, observe)));
  }
  return rmsNorm(x, finalNorm, { epsilon: config.normEpsilon });
}

/** tokens i32 [B, T] → logits [B, T, V]. */
export function logits(model: Decoder, tokens: Tensor, options?: ForwardOptions): Tensor {
  return scope(() => matmul(hiddenStates(model, tokens, options), model.head, { transposeB: true }));
}

/** Mean cross entropy in nats of predicting targets i32 [B, T] (negative: ignored) from tokens [B, T]; shape []. */
export function lossOf(model: Decoder, tokens: Tensor, targets: Tensor, options?: ForwardOptions): Tensor {
  // In its own scope, so that the tape alone holds the logits and their gradient may overwrite them.
  return scope(() => crossEntropy(logits(model, tokens, options), targets));
}

/** Another sparsity for the same weights. A captured step must be captured anew. Throws ValueError. */
export function setSparsity(model: Decoder, sparsity: Sparsity): void {
  const config = { ...model.config, linear: { ...model.config.linear, sparsity } };
  checkConfig(config);
  model.config = config;
}
