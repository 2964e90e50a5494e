/**
 * What a decoder is made of. Plain data; names in checkpoints and config.json belong to @qsparse/models.
 */
import { type RopeScaling, ValueError } from '@qsparse/core';
import { keepCount } from '@qsparse/quantizers';

/**
 * Which inputs of a linear layer stay: all; exactly K = floor((1 - sparsity) n + 1e-9), at least 1, of each token's
 * n; or exactly `keep` of every `block` consecutive ones.
 */
export type Sparsity =
  | { readonly kind: 'dense' }
  | { readonly kind: 'top-k'; readonly sparsity: number }
  | { readonly kind: 'block'; readonly keep: number; readonly block: number };

/**
 * After selection, rescale each token: not at all; to unit L2 norm (the literal reading of Q-Sparse, arXiv
 * 2407.10969 §2.1); or to the norm it had before.
 */
export type Rescale = 'none' | 'unit' | 'preserve';

/** How the linear layers of the blocks treat weights and activations. Embedding and head stay dense and full. */
export interface LinearConfig {
  readonly sparsity: Sparsity;
  /** `ternary`: absmean BitNet b1.58 weights, straight-through. */
  readonly weights: 'full' | 'ternary';
  /** `int8`: per-token absmax activations, straight-through. */
  readonly activations: 'full' | 'int8';
  /** False keeps the mask in the gradient of the input (the ablation of the paper). */
  readonly straightThrough: boolean;
  readonly rescale: Rescale;
}

export interface DecoderConfig {
  readonly vocabularySize: number;
  /** Width of the residual stream. */
  readonly hiddenSize: number;
  /** Width inside the gated feed-forward layer. */
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Key and value heads; `heads` is a multiple of it. */
  readonly keyValueHeads: number;
  readonly headSize: number;
  /** Longest sequence, in tokens. */
  readonly contextLength: number;
  /** Tokens that a position sees, itself included; 0 sees all before it. */
  readonly slidingWindow: number;
  readonly ropeTheta: number;
  readonly ropeScaling?: RopeScaling;
  readonly normEpsilon: number;
  /** Activation of the gate: squared ReLU (ReLU²GLU) or SiLU (SwiGLU). */
  readonly activation: 'squared-relu' | 'silu';
  /** RMSNorm before the output and down projections too (BitNet b1.58). */
  readonly subLayerNorms: boolean;
  /** The head uses the embedding's weights. */
  readonly tiedEmbedding: boolean;
  readonly linear: LinearConfig;
}

export const DENSE: LinearConfig = {
  sparsity: { kind: 'dense' },
  weights: 'full',
  activations: 'full',
  straightThrough: true,
  rescale: 'none',
};

/** Inputs that stay of `width`, and the block they are counted in (0: the whole width). Throws ValueError. */
export function selectionOf(
  sparsity: Sparsity,
  width: number,
): { readonly k: number; readonly block: number } {
  if (sparsity.kind === 'dense') return { k: width, block: 0 };
  if (sparsity.kind === 'top-k') return { k: keepCount(sparsity.sparsity, width), block: 0 };
  const { keep, block } = sparsity;
  if (!Number.isInteger(block) || block < 1 || width % block !== 0) {
    throw new ValueError(
      'sparsity',
      `blocks of ${block} must divide the width ${width}`,
      'choose a block size that divides every layer width',
    );
  }
  if (!Number.isInteger(keep) || keep < 1 || keep > block) {
    throw new ValueError('sparsity', `a block of ${block} must keep 1 to ${block} entries, got ${keep}`);
  }
  return { k: keep, block };
}

const WHOLE = [
  'vocabularySize',
  'hiddenSize',
  'intermediateSize',
  'layers',
  'heads',
  'keyValueHeads',
  'headSize',
  'contextLength',
] as const satisfies readonly (keyof DecoderConfig)[];

/** Throws ValueError, naming the field, where a config cannot be built. */
export function checkConfig(config: DecoderConfig): void {
  const { heads, keyValueHeads, headSize, slidingWindow, ropeTheta, normEpsilon } = config;
  const require = (holds: boolean, what: string) => {
    if (!holds) throw new ValueError('config', what);
  };
  for (const key of WHOLE) {
    const value = config[key];
    require(Number.isSafeInteger(value) &&
      value >= 1, `${key} must be a whole number of at least 1, got ${value}`);
  }
  require(heads % keyValueHeads ===
    0, `heads must be a multiple of keyValueHeads, got ${heads} and ${keyValueHeads}`);
  require(headSize % 2 === 0, `headSize must be even for rotary positions, got ${headSize}`);
  require(Number.isSafeInteger(slidingWindow) &&
    slidingWindow >= 0, `slidingWindow must be 0 (off) or a number of tokens, got ${slidingWindow}`);
  require(ropeTheta > 1 && Number.isFinite(ropeTheta), `ropeTheta must be above 1, got ${ropeTheta}`);
  require(normEpsilon > 0 && Number.isFinite(normEpsilon), `normEpsilon must be above 0, got ${normEpsilon}`);
  for (const width of [config.hiddenSize, heads * headSize, config.intermediateSize]) {
    selectionOf(config.linear.sparsity, width);
  }
}
