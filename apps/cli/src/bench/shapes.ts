/**
 * The models of `qsparse bench train`: shapes that PyTorch peers are measured at, with a vocabulary of 32,000 and rows of
 * 1,024 tokens, dense or Q-Sparse (40 % of the inputs kept), full precision or BitNet.
 */
import { DENSE, type DecoderConfig } from '@qsparse/layers';

interface Size {
  readonly hiddenSize: number;
  readonly heads: number;
  readonly intermediateSize: number;
  readonly layers: number;
  /** Rows of a step. */
  readonly batch: number;
}

export const SIZES = {
  '1M': { hiddenSize: 64, heads: 2, intermediateSize: 192, layers: 2, batch: 2 },
  '30M': { hiddenSize: 384, heads: 6, intermediateSize: 1024, layers: 12, batch: 64 },
  '125M': { hiddenSize: 768, heads: 12, intermediateSize: 2048, layers: 12, batch: 32 },
  '350M': { hiddenSize: 1024, heads: 16, intermediateSize: 2816, layers: 24, batch: 16 },
  '1.3B': { hiddenSize: 2048, heads: 32, intermediateSize: 5504, layers: 24, batch: 8 },
} as const satisfies Readonly<Record<string, Size>>;
export type SizeName = keyof typeof SIZES;

/** dense, Q-Sparse, BitNet, BitNet with Q-Sparse. */
export const VARIANTS = ['dense', 'q', 'b', 'bq'] as const;
export type Variant = (typeof VARIANTS)[number];

export const VOCABULARY = 32_000;
export const ROW = 1024;
const LEFT_OUT = 0.6;

export interface BenchModel {
  readonly config: DecoderConfig;
  readonly batch: number;
}

/** `row`: tokens of a row. */
export function benchModel(size: SizeName, variant: Variant, row: number = ROW): BenchModel {
  const { batch, ...sizes } = SIZES[size];
  const isTernary = variant === 'b' || variant === 'bq';
  const isSparse = variant === 'q' || variant === 'bq';
  const config: DecoderConfig = {
    ...sizes,
    vocabularySize: VOCABULARY,
    keyValueHeads: sizes.heads,
    headSize: sizes.hiddenSize / sizes.heads,
    contextLength: row,
    slidingWindow: 0,
    ropeTheta: 10_000,
    normEpsilon: 1e-6,
    activation: 'squared-relu',
    subLayerNorms: isTernary,
    tiedEmbedding: true,
    linear: {
      ...DENSE,
      sparsity: isSparse ? { kind: 'top-k', sparsity: LEFT_OUT } : { kind: 'dense' },
      weights: isTernary ? 'ternary' : 'full',
      activations: isTernary ? 'int8' : 'full',
    },
  };
  return { config, batch };
}

/** Floating-point operations of a training step a token: 6 a parameter, and causal attention. */
export function flopsOfToken(
  parameters: number,
  { layers, heads, headSize }: DecoderConfig,
  row: number,
): number {
  return 6 * parameters + 6 * layers * row * heads * headSize;
}
