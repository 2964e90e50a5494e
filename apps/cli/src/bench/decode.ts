/**
 * Times generation at batch 1, a token at a time through the public functions: embedding, blocks, head, sampling and the
 * token's way to the host. Weights are random and tokens are drawn from a nearly even distribution, so that every token and
 * layer has active channels of its own. Selection is inside of every figure.
 */
import { argmax, capture, type Device, noGrad, type Tensor, zeros } from '@qsparse/core';
import {
  createDecoder,
  DENSE,
  type Decoder,
  type DecoderConfig,
  headLogits,
  initialize,
  packDecoder,
  selectionOf,
  setSparsity,
  siteParameters,
  siteWidths,
} from '@qsparse/layers';
import { generateTokens } from '@qsparse/models';

/** Shapes that other engines are measured at. */
export const DECODE_SHAPES = {
  '1M': {
    hiddenSize: 128,
    intermediateSize: 344,
    layers: 4,
    heads: 4,
    keyValueHeads: 4,
    vocabularySize: 512,
  },
  '214M': {
    ...{ hiddenSize: 1024, intermediateSize: 2816, layers: 16, heads: 16, keyValueHeads: 16 },
    vocabularySize: 8192,
  },
  '2B4T': {
    ...{ hiddenSize: 2560, intermediateSize: 6912, layers: 30, heads: 20, keyValueHeads: 5 },
    vocabularySize: 32_768,
  },
} as const satisfies Readonly<Record<string, Partial<DecoderConfig>>>;
export type DecodeShape = keyof typeof DECODE_SHAPES;

export const DECODE_WEIGHTS = ['ternary', 'f32', 'bf16'] as const;
export type DecodeWeights = (typeof DECODE_WEIGHTS)[number];

export interface DecodeOptions {
  readonly shape: DecodeShape;
  readonly weights: DecodeWeights;
  /** Default: the shape's. */
  readonly layers: number | undefined;
  /** Shares of inputs that are left out; 0 is dense. */
  readonly sparsities: readonly number[];
  /** Tokens that are timed for each. */
  readonly tokens: number;
}

export interface DecodeRow {
  /** `weights`: the form that training and prompts use; `packed`: channel by channel. */
  readonly form: 'weights' | 'packed';
  readonly sparsity: number;
  /** Of a token: median, and the tenth and ninetieth of a hundred. */
  readonly milliseconds: number;
  readonly low: number;
  readonly high: number;
  readonly tokensPerSecond: number;
  /** Of the first packed row, the densest. */
  readonly speedup: number;
  /** Of linear layers, read for a token at most. */
  readonly megabytes: number;
  /** At the shape's own number of layers, as if each took as long. */
  readonly tokensPerSecondFull: number;
}

export interface DecodeResult {
  readonly shape: DecodeShape;
  readonly weights: DecodeWeights;
  readonly layers: number;
  readonly threads: number;
  /** Of a token in the head. */
  readonly headMilliseconds: number;
  readonly rows: readonly DecodeRow[];
}

const CONTEXT = 512;
/** The first calls record and warm up. */
const WARM_UP = 4;
const HEAD_CALLS = 16;
/** Every sparsity is measured in so many turns, so that a busy moment does not hit one alone. */
const TURNS = 3;

export async function timeDecode(device: Device, options: DecodeOptions): Promise<DecodeResult> {
  const { shape, weights, sparsities, tokens } = options;
  const model = createDecoder(device, configOf(options), { gradients: false });
  try {
    initialize(model, 1);
    const packed = await packDecoder(model, { weights: weights === 'bf16' ? 'bf16' : 'f32' });
    const times = new Map<string, number[]>();
    const measure = async (
      form: DecodeRow['form'],
      sparsity: number,
      count: number,
      seed: number,
    ): Promise<void> => {
      setSparsity(model, sparsity === 0 ? { kind: 'dense' } : { kind: 'top-k', sparsity });
      model.packed = form === 'packed' ? packed : undefined;
      const key = `${form} ${sparsity}`;
      times.set(key, [...(times.get(key) ?? []), ...(await timesOf(model, count, seed))]);
    };
    const share = Math.ceil(tokens / TURNS);
    model.packed = packed;
    await timesOf(model, share, 0); // until the kernels are compiled for good
    for (let turn = 0; turn < TURNS; turn++)
      for (const sparsity of sparsities) await measure('packed', sparsity, share, turn);
    // Ternary weights are rounded for every token in this form: a few tell how long that takes.
    await measure('weights', 0, weights === 'ternary' ? 3 : share, 0);
    const headMilliseconds = await headTime(model);
    const full = DECODE_SHAPES[shape].layers;
    const { layers } = model.config;
    const densest = median(times.get(`packed ${sparsities[0]!}`)!);
    model.packed = packed;
    const rowOf = (form: DecodeRow['form'], sparsity: number): DecodeRow => {
      const own = times.get(`${form} ${sparsity}`)!;
      const milliseconds = median(own);
      const blocks = Math.max(0, milliseconds - headMilliseconds);
      return {
        ...{ form, sparsity, milliseconds, low: quantile(own, 0.1), high: quantile(own, 0.9) },
        tokensPerSecond: 1000 / milliseconds,
        speedup: densest / milliseconds,
        megabytes: bytesRead(model, form, weights, sparsity) / 1e6,
        tokensPerSecondFull: 1000 / (headMilliseconds + (blocks * full) / layers),
      };
    };
    const rows = [rowOf('weights', 0), ...sparsities.map((sparsity) => rowOf('packed', sparsity))];
    return { shape, weights, layers, threads: device.caps.threads, headMilliseconds, rows };
  } finally {
    model.dispose();
  }
}

function configOf({ shape, weights, layers }: DecodeOptions): DecoderConfig {
  const sizes = DECODE_SHAPES[shape];
  const isTernary = weights === 'ternary';
  return {
    ...sizes,
    layers: layers ?? sizes.layers,
    headSize: sizes.hiddenSize / sizes.heads,
    contextLength: CONTEXT,
    slidingWindow: 0,
    ropeTheta: 10_000,
    normEpsilon: 1e-6,
    activation: 'squared-relu',
    subLayerNorms: isTernary,
    tiedEmbedding: true,
    linear: {
      ...DENSE,
      weights: isTernary ? 'ternary' : 'full',
      activations: isTernary ? 'int8' : 'full',
    },
  };
}

/** Milliseconds of each of `count` tokens. */
async function timesOf(model: Decoder, count: number, seed: number): Promise<readonly number[]> {
  const times: number[] = [];
  let last = performance.now();
  for await (const _ of generateTokens(model, [1, 2, 3, 4], { maxTokens: count + WARM_UP, seed })) {
    const now = performance.now();
    times.push(now - last);
    last = now;
  }
  return times.slice(WARM_UP);
}

/** Of the head and the choice of the likeliest token. */
async function headTime(model: Decoder): Promise<number> {
  const states = zeros(model.device, [1, model.config.hiddenSize], model.compute);
  const step = capture(({ x }: { readonly x: Tensor }) => noGrad(() => argmax(headLogits(model, x))));
  const times: number[] = [];
  for (let i = 0; i < HEAD_CALLS; i++) {
    const start = performance.now();
    await step({ x: states }).item();
    times.push(performance.now() - start);
  }
  step.dispose();
  states.dispose();
  return median(times.slice(WARM_UP));
}

/** Weights of the linear layers times the share of inputs that a token has. */
function bytesRead(
  { config }: Decoder,
  form: DecodeRow['form'],
  weights: DecodeWeights,
  sparsity: number,
): number {
  const bytes = form === 'weights' ? 4 : { ternary: 0.25, f32: 4, bf16: 2 }[weights];
  let sum = 0;
  for (const [site, parameters] of siteParameters(config)) {
    const width = siteWidths(config).get(site)!;
    const { k } = selectionOf(sparsity === 0 ? { kind: 'dense' } : { kind: 'top-k', sparsity }, width);
    sum += (parameters * bytes * k) / width;
  }
  return sum;
}

function quantile(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

const median = (times: readonly number[]): number => quantile(times, 0.5);
