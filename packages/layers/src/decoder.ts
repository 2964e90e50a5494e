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
  crossEntropy,
  type Device,
  embedding,
  joined,
  keep,
  matmul,
  type Param,
  type ParamArena,
  type ParamSpec,
  paramArena,
  recompute,
  rmsNorm,
  ropeTable,
  scope,
  type Tensor,
  tensor,
  ValueError,
} from '@qsparse/core';
import { int8Embedding, int8Head } from '@qsparse/quantizers';
import { type AttentionLayer, type KeyValueCache, selfAttention } from './attention.ts';
import { checkConfig, type DecoderConfig, type LinearConfig, type Sparsity } from './config.ts';
import { type GluLayer, gatedLinearUnit } from './glu.ts';
import { inCompute, type Observe, type Site } from './linear.ts';
import type { PackedBlock, PackedDecoder, PackedVocabulary } from './packed.ts';
import { decoderParams } from './parameters.ts';

export interface DecoderBlock {
  readonly attention: AttentionLayer;
  readonly feedForward: GluLayer;
}

/** f32, or bf16 with f32 sums and f32 master weights. */
export type ComputeDType = 'f32' | 'bf16';

export interface Decoder {
  readonly device: Device;
  /** `setSparsity` replaces it. */
  config: DecoderConfig;
  /** What activations are held and products are computed in; weights and their gradients stay f32. */
  readonly compute: ComputeDType;
  readonly arena: ParamArena;
  readonly embedding: Param; // [V, d]; reading it throws where it is in packed.vocabulary alone
  readonly blocks: readonly DecoderBlock[];
  readonly finalNorm: Param; // [d]
  readonly head: Param; // [V, d]; the embedding itself when tied
  readonly ropeTable: Tensor; // [context, D / 2, 2]
  /**
   * Where it is set (`packDecoder` makes it), calls of one token a sequence with a cache take their linear layers from it.
   * The weights must not change then. Disposed with the model.
   */
  packed?: PackedDecoder | undefined;
  dispose(): void;
}

export interface ForwardOptions {
  /** Where earlier tokens are, and where these go. */
  readonly cache?: KeyValueCache | undefined;
  /** i32 [B, T]: the first position that each sees, so that documents that share a row see themselves alone. */
  readonly first?: Tensor | undefined;
  /** Sees what every site lets through; costs nothing when absent. */
  readonly observe?: Observe | undefined;
  /** False computes with the weights also where `model.packed` is there. Default true. */
  readonly packed?: boolean | undefined;
  /** Keep of each block its input alone and compute it again in the reverse sweep: less memory, about a third more time. */
  readonly recomputeBlocks?: boolean | undefined;
}

export interface DecoderOptions {
  /** Default f32. */
  readonly compute?: ComputeDType | undefined;
  /** False halves the memory of a model that is only run. Default true. */
  readonly gradients?: boolean | undefined;
}

/**
 * A decoder with zero weights: fill them with `initialize` or from a checkpoint. Throws ValueError for a bad config, and
 * for a `compute` that the device does not have.
 */
export function createDecoder(
  device: Device,
  config: DecoderConfig,
  { compute = 'f32', gradients = true }: DecoderOptions = {},
): Decoder {
  return decoderOn(device, config, { compute, gradients, params: decoderParams(config) });
}

/** With those of its parameters that `params` names; the others are to be in `model.packed`. */
export function decoderOn(
  device: Device,
  config: DecoderConfig,
  { compute = 'f32', gradients = true, params }: DecoderOptions & { readonly params: readonly ParamSpec[] },
): Decoder {
  checkConfig(config);
  if (!device.caps.compute.includes(compute)) {
    const offered = device.caps.compute.join(' or ');
    throw new ValueError('createDecoder', `device ${device.name} computes in ${offered}, got ${compute}`);
  }
  const { layers, contextLength: length, headSize: headDim, ropeTheta: theta, ropeScaling: scaling } = config;
  const angles = ropeTable({ headDim, length, theta, scaling });
  const arena = paramArena(device, params, { gradients });
  const table = keep(tensor(device, angles, [length, headDim / 2, 2]));
  const model: Decoder = {
    device,
    config,
    compute,
    arena,
    get embedding() {
      return requireParam(arena, 'model.embed_tokens');
    },
    blocks: Array.from({ length: layers }, (_, i) => blockOf(arena, i, config)),
    finalNorm: arena.params.get('model.norm.weight')!,
    get head() {
      return requireParam(arena, config.tiedEmbedding ? 'model.embed_tokens' : 'lm_head');
    },
    ropeTable: table,
    packed: undefined,
    dispose() {
      model.packed?.dispose();
      table.dispose();
      arena.dispose();
    },
  };
  return model;
}

function blockOf(arena: ParamArena, layer: number, config: DecoderConfig): DecoderBlock {
  const { normEpsilon: epsilon, queryKeyNorm, slidingWindow, slidingLayers } = config;
  const { params } = arena;
  const full = (name: string): string => `model.layers.${layer}.${name}.weight`;
  const param = (name: string): Param => params.get(full(name))!;
  const matrix = (...names: readonly string[]): Param | undefined =>
    params.has(full(names[0]!)) ? joined(arena, names.map(full)) : undefined;
  const bias = (...names: readonly string[]): Param | undefined => {
    const biases = names.map((name) => `model.layers.${layer}.${name}.bias`);
    return params.has(biases[0]!) ? joined(arena, biases) : undefined;
  };
  // A sub-layer norm that the config leaves out has no parameter.
  const site = (name: string, norm: string): Site => ({
    name: `layers.${layer}.${name}`,
    norm: params.get(full(norm)),
    epsilon,
  });
  return {
    attention: {
      queryKeyValue: matrix('self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'),
      queryKeyValueBias: bias('self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'),
      output: matrix('self_attn.o_proj'),
      outputBias: bias('self_attn.o_proj'),
      headNorms: queryKeyNorm
        ? { query: param('self_attn.q_norm'), key: param('self_attn.k_norm') }
        : undefined,
      window: (slidingLayers?.[layer] ?? true) ? slidingWindow : 0,
      inputSite: site('qkv', 'input_layernorm'),
      outputSite: site('o', 'self_attn.attn_sub_norm'),
    },
    feedForward: {
      gateUp: matrix('mlp.gate_proj', 'mlp.up_proj'),
      gateUpBias: bias('mlp.gate_proj', 'mlp.up_proj'),
      down: matrix('mlp.down_proj'),
      downBias: bias('mlp.down_proj'),
      inputSite: site('gate-up', 'post_attention_layernorm'),
      downSite: site('down', 'mlp.ffn_sub_norm'),
    },
  };
}

function requireParam({ params }: ParamArena, name: string): Param {
  const param = params.get(`${name}.weight`);
  if (param) return param;
  throw new ValueError('Decoder', `${name} is in the packed form alone`, 'use embedTokens and headLogits');
}

/** tokens i32 [B, T] → x [B, T, d], what the first block takes. */
export function embedTokens(
  model: Decoder,
  tokens: Tensor,
  { packed = true }: Pick<ForwardOptions, 'packed'> = {},
): Tensor {
  const { compute } = model;
  const int8 = vocabularyOf(model, packed)?.embedding;
  return scope(() => {
    if (int8) return inCompute(int8Embedding(int8, tokens), compute);
    // To be run, rows are rounded after they were taken: all of the table would be read for each token. To be trained, the
    // table is, so that gradients of its rows meet in f32.
    return packed && model.packed
      ? inCompute(embedding(model.embedding, tokens), compute)
      : embedding(inCompute(model.embedding, compute), tokens);
  });
}

function vocabularyOf({ packed }: Decoder, mayPack: boolean): PackedVocabulary | undefined {
  return mayPack || packed?.isWhole ? packed?.vocabulary : undefined;
}

/**
 * What stands between embedding and final norm, in order, two a block (one where blocks are recomputed): x [B, T, d] → x [B, T, d]. For callers that do
 * something between two of them, such as hearing an abort.
 */
export function decoderSteps(
  model: Decoder,
  { cache, first, observe, packed: mayPack = true, recomputeBlocks = false }: ForwardOptions = {},
): readonly ((x: Tensor) => Tensor)[] {
  const { arena, blocks, config, ropeTable: angles } = model;
  const isWhole = model.packed?.isWhole ?? false;
  if (isWhole && (observe || !mayPack)) {
    throw new ValueError(
      'decoderSteps',
      'a decoder that has packed weights alone computes with these, unobserved',
    );
  }
  // An observer may change what is selected, which lists of fixed length do not follow.
  const form = isWhole || (mayPack && cache && !observe) ? model.packed : undefined;
  return blocks.flatMap(({ attention, feedForward }, i) => {
    const packedFor = ({ shape: [batch = 0, length] }: Tensor): PackedBlock | undefined =>
      form && (isWhole || form.prompts || (length === 1 && batch <= form.mostRows))
        ? form.blocks[i]
        : undefined;
    const attend = (x: Tensor) => {
      const options = { cache: cache?.layers[i], first, observe, packed: packedFor(x) };
      return scope(() => selfAttention(attention, x, config, angles, options));
    };
    const feed = (x: Tensor) =>
      scope(() => gatedLinearUnit(feedForward, x, config, { observe, packed: packedFor(x) }));
    if (!recomputeBlocks) return [attend, feed];
    const params = [...arena.params].filter(([name]) => name.includes(`model.layers.${i}.`));
    return [
      (x: Tensor) =>
        recompute(
          (input) => feed(attend(input)),
          x,
          params.map(([, param]) => param),
        ),
    ];
  });
}

/** x [B, T, d] of the last step → the final normed states [B, T, d]. */
export function finalStates({ finalNorm, config }: Decoder, x: Tensor): Tensor {
  return rmsNorm(x, finalNorm, { epsilon: config.normEpsilon });
}

/** tokens i32 [B, T] → the final normed states [B, T, d]. */
export function hiddenStates(model: Decoder, tokens: Tensor, options?: ForwardOptions): Tensor {
  const embedded = embedTokens(model, tokens, options);
  return finalStates(
    model,
    decoderSteps(model, options).reduce((x, step) => step(x), embedded),
  );
}

/** Final normed states [..., d] → logits [..., V]. */
export function headLogits(
  model: Decoder,
  states: Tensor,
  { packed = true }: Pick<ForwardOptions, 'packed'> = {},
): Tensor {
  const int8 = vocabularyOf(model, packed)?.head;
  if (int8) return int8Head(states, int8);
  const own = (packed && model.packed?.head) || inCompute(model.head, model.compute);
  return matmul(states, own, { transposeB: true });
}

/** tokens i32 [B, T] → logits [B, T, V]. */
export function logits(model: Decoder, tokens: Tensor, options?: ForwardOptions): Tensor {
  return scope(() => headLogits(model, hiddenStates(model, tokens, options), options));
}

/** Mean cross entropy in nats of predicting targets i32 [B, T] (negative: ignored) from tokens [B, T]; shape []. */
export function lossOf(model: Decoder, tokens: Tensor, targets: Tensor, options?: ForwardOptions): Tensor {
  // In its own scope, so that the tape alone holds the logits and their gradient may overwrite them.
  return scope(() => crossEntropy(logits(model, tokens, options), targets));
}

/**
 * Another sparsity for the same weights: of all sites, but for those that `bySite` names. A captured step must be captured
 * anew. Throws ValueError.
 */
export function setSparsity(
  model: Decoder,
  sparsity: Sparsity,
  sparsityBySite?: LinearConfig['sparsityBySite'],
): void {
  const config = { ...model.config, linear: { ...model.config.linear, sparsity, sparsityBySite } };
  checkConfig(config);
  model.config = config;
}
