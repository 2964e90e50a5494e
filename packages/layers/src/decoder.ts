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
import { type AttentionLayer, type LayerCache, type Positions, selfAttention } from './attention.ts';
import { checkConfig, type DecoderConfig, type Sparsity } from './config.ts';
import { type GluLayer, gatedLinearUnit } from './glu.ts';
import type { Observe } from './linear.ts';
import { decoderParams } from './parameters.ts';

export interface DecoderBlock {
  readonly attention: AttentionLayer;
  readonly feedForward: GluLayer;
}

/** Keys and values of every layer; `position` (i32 [1]) says where the next token goes. */
export interface KeyValueCache {
  readonly layers: readonly LayerCache[];
  readonly position: Tensor;
}

export interface ForwardOptions {
  readonly cache?: KeyValueCache | undefined;
  /** Sees what every site lets through; costs nothing when absent. */
  readonly observe?: Observe | undefined;
}

export interface Decoder {
  readonly device: Device;
  /** May be replaced by `setSparsity` while training warms up. */
  config: DecoderConfig;
  readonly arena: ParamArena;
  readonly embedding: Param; // [V, d]
  readonly blocks: readonly DecoderBlock[];
  readonly finalNorm: Param; // [d]
  readonly head: Param; // [V, d]; the embedding itself when tied
  readonly ropeTable: Tensor; // [context, D / 2, 2]
  dispose(): void;
}

/** A decoder with zero weights: fill them with `initialize` or from a checkpoint. Throws ValueError for a bad config. */
export function createDecoder(device: Device, config: DecoderConfig): Decoder {
  checkConfig(config);
  const arena = paramArena(device, decoderParams(config));
  const of = (name: string): Param => arena.params.get(name)!;
  const optional = (name: string): Param | undefined => arena.params.get(name);
  const epsilon = config.normEpsilon;
  const blocks = Array.from({ length: config.layers }, (_, i): DecoderBlock => {
    const layer = `model.layers.${i}`;
    const site = (name: string, norm: string) => ({
      name: `layers.${i}.${name}`,
      norm: optional(`${layer}.${norm}.weight`),
      epsilon,
    });
    return {
      attention: {
        query: of(`${layer}.self_attn.q_proj.weight`),
        key: of(`${layer}.self_attn.k_proj.weight`),
        value: of(`${layer}.self_attn.v_proj.weight`),
        output: of(`${layer}.self_attn.o_proj.weight`),
        inputSite: site('qkv', 'input_layernorm'),
        outputSite: site('o', 'self_attn.attn_sub_norm'),
      },
      feedForward: {
        gate: of(`${layer}.mlp.gate_proj.weight`),
        up: of(`${layer}.mlp.up_proj.weight`),
        down: of(`${layer}.mlp.down_proj.weight`),
        inputSite: site('gate-up', 'post_attention_layernorm'),
        downSite: site('down', 'mlp.ffn_sub_norm'),
      },
    };
  });
  const table = ropeTable({
    headDim: config.headSize,
    length: config.contextLength,
    theta: config.ropeTheta,
    ...(config.ropeScaling && { scaling: config.ropeScaling }),
  });
  const positions = keep(tensor(device, table, [config.contextLength, config.headSize / 2, 2]));
  return {
    device,
    config,
    arena,
    embedding: of('model.embed_tokens.weight'),
    blocks,
    finalNorm: of('model.norm.weight'),
    head: config.tiedEmbedding ? of('model.embed_tokens.weight') : of('lm_head.weight'),
    ropeTable: positions,
    dispose() {
      positions.dispose();
      arena.dispose();
    },
  };
}

/** tokens i32 [B, T] → the final normed states [B, T, d]. */
export function hiddenStates(
  model: Decoder,
  tokens: Tensor,
  { cache, observe }: ForwardOptions = {},
): Tensor {
  const positions: Positions = { table: model.ropeTable, ...(cache && { position: cache.position }) };
  let x = embedding(model.embedding, tokens); // [B, T, d]
  for (const [i, block] of model.blocks.entries()) {
    x = scope(() =>
      add(x, selfAttention(block.attention, x, model.config, positions, cache?.layers[i], observe)),
    );
    x = scope(() => add(x, gatedLinearUnit(block.feedForward, x, model.config, observe)));
  }
  return rmsNorm(x, model.finalNorm, { epsilon: model.config.normEpsilon });
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

/** Another sparsity for the same weights. A captured step must be captured anew. */
export function setSparsity(model: Decoder, sparsity: Sparsity): void {
  const config = { ...model.config, linear: { ...model.config.linear, sparsity } };
  checkConfig(config);
  model.config = config;
}
