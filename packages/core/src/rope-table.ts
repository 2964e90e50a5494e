/**
 * The cosines and sines that the rope op turns by, computed on the host in float64: entry (t, i) is the angle
 * t · f_i with f_i = theta^(-2i / headDim) (Su et al., "RoFormer", 2021), or a scaled f_i for a context longer
 * than the one trained on. Definitions and names of the scalings follow Hugging Face `rope_parameters`.
 */
import { ShapeError, ValueError } from './errors.ts';

/** How frequencies are scaled. `factor`: by how much the context grows; `originalLength`: the one trained on. */
export type RopeScaling =
  | { readonly kind: 'linear'; readonly factor: number }
  | { readonly kind: 'dynamic'; readonly factor: number; readonly originalLength: number }
  | {
      readonly kind: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalLength: number;
    }
  | {
      readonly kind: 'yarn';
      readonly factor: number;
      readonly originalLength: number;
      /** Turns over the original length above which a pair stays and below which it is stretched: 32 and 1. */
      readonly betaFast?: number;
      readonly betaSlow?: number;
      /** Given by some checkpoints in place of the paper's formula. */
      readonly attentionFactor?: number;
      readonly mscale?: number;
      readonly mscaleAllDim?: number;
      /** Whether the ramp starts and ends at whole pairs; true unless the checkpoint says otherwise. */
      readonly truncate?: boolean;
    };

export interface RopeTableOptions {
  /** D, the size of a head (of its rotated part); even. */
  readonly headDim: number;
  /** Positions in the table. With dynamic scaling also the sequence length that it is made for. */
  readonly length: number;
  readonly theta?: number;
  readonly scaling?: RopeScaling | undefined;
}

type Scaled<K extends RopeScaling['kind']> = Extract<RopeScaling, { kind: K }>;

/**
 * Elements of a table [length, headDim / 2, 2] of (cosine, sine), ready for tensor(). Yarn also scales the
 * scores: see ropeAttentionFactor().
 */
export function ropeTable(options: RopeTableOptions): Float64Array {
  const frequencies = ropeFrequencies(options);
  const pairs = frequencies.length;
  const table = new Float64Array(options.length * pairs * 2);
  for (let t = 0; t < options.length; t++) {
    for (let i = 0; i < pairs; i++) {
      const angle = t * frequencies[i]!;
      table[(t * pairs + i) * 2] = Math.cos(angle);
      table[(t * pairs + i) * 2 + 1] = Math.sin(angle);
    }
  }
  return table;
}

/** Radians per position of each of the headDim / 2 pairs. */
export function ropeFrequencies({ headDim, length, theta = 10000, scaling }: RopeTableOptions): Float64Array {
  if (!(Number.isInteger(headDim) && headDim >= 2 && headDim % 2 === 0)) {
    throw new ShapeError('ropeTable', `headDim must be an even whole number of at least 2, got ${headDim}`);
  }
  if (!(Number.isInteger(length) && length >= 1)) {
    throw new ShapeError('ropeTable', `length must be a whole number of at least 1, got ${length}`);
  }
  requireAbove('theta', theta, 1);
  if (scaling) requireScaling(scaling);
  switch (scaling?.kind) {
    case undefined:
      return unscaled(headDim, theta);
    case 'linear':
      return unscaled(headDim, theta).map((f) => f / scaling.factor);
    case 'dynamic':
      return unscaled(headDim, dynamicTheta(headDim, length, theta, scaling));
    case 'llama3':
      return unscaled(headDim, theta).map((f) => llama3Frequency(f, scaling));
    case 'yarn':
      return yarnFrequencies(headDim, theta, scaling);
  }
}

/**
 * What yarn multiplies rotated queries and keys by, each: scores grow by its square, so give attention
 * `scale · factor²`. 1 for every other scaling.
 */
export function ropeAttentionFactor(scaling: RopeScaling | undefined): number {
  if (scaling?.kind !== 'yarn') return 1;
  const { factor, attentionFactor, mscale, mscaleAllDim } = scaling;
  if (attentionFactor !== undefined) return attentionFactor;
  // Peng et al., "YaRN", 2023, section 3.4: sqrt(1/t) = 0.1 ln(s) + 1; DeepSeek weighs the 0.1 by mscale.
  const grown = (weight: number) => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1);
  return mscale && mscaleAllDim ? grown(mscale) / grown(mscaleAllDim) : grown(1);
}

function unscaled(headDim: number, theta: number): Float64Array {
  return Float64Array.from({ length: headDim / 2 }, (_, i) => theta ** ((-2 * i) / headDim));
}

/** Dynamic NTK (bloc97, emozilla, 2023): theta grows so that the slowest pair is stretched by the excess length. */
function dynamicTheta(headDim: number, length: number, theta: number, scaling: Scaled<'dynamic'>): number {
  const { factor, originalLength } = scaling;
  if (length <= originalLength) return theta;
  if (headDim === 2) throw new ShapeError('ropeTable', 'dynamic scaling needs headDim of at least 4, got 2');
  return theta * ((factor * length) / originalLength - (factor - 1)) ** (headDim / (headDim - 2));
}

/**
 * Llama 3.1: with r turns over the original length, a pair of r below `low` is stretched by the factor, one above
 * `high` stays, and between them the weight of staying is (r - low) / (high - low).
 */
function llama3Frequency(frequency: number, scaling: Scaled<'llama3'>): number {
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalLength } = scaling;
  const turns = (originalLength * frequency) / (2 * Math.PI);
  const stay = Math.min(1, Math.max(0, (turns - low) / (high - low)));
  return stay * frequency + ((1 - stay) * frequency) / factor;
}

/**
 * Yarn (Peng et al., 2023, section 3.2, "NTK-by-parts"): pairs that turn more than betaFast times over the
 * original length stay, those below betaSlow are stretched, and a ramp over the pair index joins them.
 */
function yarnFrequencies(headDim: number, theta: number, scaling: Scaled<'yarn'>): Float64Array {
  const { factor, originalLength, betaFast = 32, betaSlow = 1, truncate = true } = scaling;
  /** The (fractional) pair that turns `turns` times over the original length. */
  const pairAt = (turns: number) =>
    (headDim * Math.log(originalLength / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const [from, to] = [pairAt(betaFast), pairAt(betaSlow)];
  const low = Math.max(truncate ? Math.floor(from) : from, 0);
  const high = Math.min(truncate ? Math.ceil(to) : to, headDim - 1);
  // A ramp of no length becomes a step of one thousandth, as in the checkpoints' own code.
  const span = high === low ? 0.001 : high - low;
  return unscaled(headDim, theta).map((f, i) => {
    const stretch = Math.min(1, Math.max(0, (i - low) / span));
    return stretch * (f / factor) + (1 - stretch) * f;
  });
}

function requireScaling(scaling: RopeScaling): void {
  if (!(scaling.factor >= 1 && Number.isFinite(scaling.factor))) {
    throw new ValueError('ropeTable', `factor must be finite and at least 1, got ${scaling.factor}`);
  }
  if (scaling.kind !== 'linear') requireAbove('originalLength', scaling.originalLength, 0);
  if (scaling.kind === 'llama3') {
    requireAbove('lowFrequencyFactor', scaling.lowFrequencyFactor, 0);
    requireAbove('highFrequencyFactor', scaling.highFrequencyFactor, scaling.lowFrequencyFactor);
  }
  if (scaling.kind === 'yarn') {
    requireAbove('betaSlow', scaling.betaSlow ?? 1, 0);
    requireAbove('betaFast', scaling.betaFast ?? 32, scaling.betaSlow ?? 1);
  }
}

function requireAbove(name: string, value: number, limit: number): void {
  if (!(value > limit && Number.isFinite(value))) {
    throw new ValueError('ropeTable', `${name} must be finite and more than ${limit}, got ${value}`);
  }
}
