/**
 * What a decoder is made of. Plain data; names in checkpoints and config.json belong to @qsparse/models.
 */
import { type RopeScaling, ValueError } from '@qsparse/core';
import { keepCount } from '@qsparse/quantizers';

/**
 * Which inputs of a linear layer stay: all; exactly K = floor((1 - sparsity) n + 1e-9), at least 1, of each token's
 * n; or exactly `keep` of every `block` consecutive ones. `relu`, which Q-Sparse is compared with, lets those above 0
 * through, however many: its gradient is that of ReLU, whatever `straightThrough` says.
 */
export type Sparsity =
  | { readonly kind: 'dense' }
  | { readonly kind: 'top-k'; readonly sparsity: number }
  | { readonly kind: 'block'; readonly keep: number; readonly block: number }
  | { readonly kind: 'relu' };

/**
 * After selection, rescale each token: not at all; to unit L2 norm (the literal reading of Q-Sparse, arXiv
 * 2407.10969 §2.1); or to the norm it had before.
 */
export type Rescale = 'none' | 'unit' | 'preserve';

/** How the linear layers of the blocks treat weights and activations. Embedding and head stay dense and full. */
export interface LinearConfig {
  readonly sparsity: Sparsity;
  /** What single sites (`layers.0.qkv`) have in place of it; absent: all sites are alike. */
  readonly sparsityBySite?: Readonly<Record<string, Sparsity>> | undefined;
  /** `ternary`: absmean BitNet b1.58 weights, straight-through. */
  readonly weights: 'full' | 'ternary';
  /** `int8`: per-token absmax activations, straight-through. */
  readonly activations: 'full' | 'int8';
  /** False keeps the mask in the gradient of the input (the ablation of the paper). */
  readonly straightThrough: boolean;
  readonly rescale: Rescale;
}

/** The four places of a block where inputs are selected; each names the linear layers that read it. */
export const SITES = ['qkv', 'o', 'gate-up', 'down'] as const;
export type SiteName = (typeof SITES)[number];

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
  /** Which layers have the sliding window; absent: all. */
  readonly slidingLayers?: readonly boolean[] | undefined;
  readonly ropeTheta: number;
  readonly ropeScaling?: RopeScaling | undefined;
  readonly normEpsilon: number;
  /**
   * Activation of the gate: squared ReLU (ReLU²GLU), SiLU (SwiGLU) or ReLU; `drelu` is ReLU of gate and up alike
   * (Song et al., "Turbo Sparse", arXiv 2406.05955).
   */
  readonly activation: 'squared-relu' | 'silu' | 'relu' | 'drelu';
  /** RMSNorm before the output and down projections too (BitNet b1.58). */
  readonly subLayerNorms: boolean;
  /** RMSNorm of every query and key head, one weight for all heads of a layer, before the rotation (Qwen3). */
  readonly queryKeyNorm?: boolean | undefined;
  /** The linear layers that have biases, by the site that they read; absent: none. Qwen2 has them at `qkv`. */
  readonly biases?: readonly SiteName[] | undefined;
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
  if (sparsity.kind === 'dense' || sparsity.kind === 'relu') return { k: width, block: 0 };
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

/** The selection of one site, `layers.0.qkv` for one. */
export function sparsityAt({ sparsity, sparsityBySite }: LinearConfig, site: string): Sparsity {
  return sparsityBySite?.[site] ?? sparsity;
}

/** Inputs of every site, in the order of the model. */
export function siteWidths(config: DecoderConfig): ReadonlyMap<string, number> {
  const { hiddenSize, heads, headSize, intermediateSize } = config;
  const widths: Readonly<Record<SiteName, number>> = {
    qkv: hiddenSize,
    o: heads * headSize,
    'gate-up': hiddenSize,
    down: intermediateSize,
  };
  return new Map(
    Array.from({ length: config.layers }, (_, layer) =>
      SITES.map((site) => [`layers.${layer}.${site}`, widths[site]] as const),
    ).flat(),
  );
}

/** The share of inputs that a selection leaves out, before K is rounded to whole inputs; 0 for ReLU, which leaves out what it finds. */
export function shareLeftOut(sparsity: Sparsity): number {
  if (sparsity.kind === 'dense' || sparsity.kind === 'relu') return 0;
  return sparsity.kind === 'top-k' ? sparsity.sparsity : 1 - sparsity.keep / sparsity.block;
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

// Far beyond every model, so that a damaged config.json is refused before it takes all memory.
const MAX_LAYERS = 10_000;
const MAX_ROPE_ENTRIES = 2 ** 28;

/** Throws ValueError, naming the field, where a config cannot be built. */
export function checkConfig(config: DecoderConfig): void {
  const { layers, heads, keyValueHeads, headSize, contextLength, ropeTheta, normEpsilon } = config;
  const { slidingWindow, slidingLayers, biases = [] } = config;
  const rules: readonly (readonly [holds: boolean, rule: string])[] = [
    ...WHOLE.map(
      (key) =>
        [isWhole(config[key], 1), `${key} must be a whole number of at least 1, got ${config[key]}`] as const,
    ),
    [layers <= MAX_LAYERS, `layers must be at most ${MAX_LAYERS}, got ${layers}`],
    [
      heads % keyValueHeads === 0,
      `heads must be a multiple of keyValueHeads, got ${heads} and ${keyValueHeads}`,
    ],
    [headSize % 2 === 0, `headSize must be even for rotary positions, got ${headSize}`],
    [
      contextLength * headSize <= MAX_ROPE_ENTRIES,
      `contextLength · headSize must be at most ${MAX_ROPE_ENTRIES}, got ${contextLength} and ${headSize}`,
    ],
    [isWhole(slidingWindow, 0), `slidingWindow must be 0 (off) or a number of tokens, got ${slidingWindow}`],
    [
      slidingLayers === undefined || slidingLayers.length === layers,
      `slidingLayers must have one entry for each of ${layers} layers, got ${slidingLayers?.length}`,
    ],
    [
      biases.every((site) => SITES.includes(site)),
      `biases must be at ${SITES.join(', ')}, got ${biases.join(', ')}`,
    ],
    [ropeTheta > 1 && Number.isFinite(ropeTheta), `ropeTheta must be above 1, got ${ropeTheta}`],
    [normEpsilon > 0 && Number.isFinite(normEpsilon), `normEpsilon must be above 0, got ${normEpsilon}`],
  ];
  for (const [holds, rule] of rules) if (!holds) throw new ValueError('config', rule);
  for (const width of [config.hiddenSize, heads * headSize, config.intermediateSize]) {
    selectionOf(config.linear.sparsity, width);
  }
  const { sparsityBySite = {} } = config.linear;
  const all = Object.keys(sparsityBySite).length > 0 ? siteWidths(config) : new Map<string, number>();
  for (const [site, sparsity] of Object.entries(sparsityBySite)) {
    const width = all.get(site);
    if (width === undefined)
      throw new ValueError('config', `sparsityBySite must name sites such as layers.0.qkv, got ${site}`);
    selectionOf(sparsity, width);
  }
}

const isWhole = (value: number, min: number): boolean => Number.isSafeInteger(value) && value >= min;
