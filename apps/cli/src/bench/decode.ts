/**
 * Times generation at batch 1, a token at a time through the public functions: embedding, blocks, head, sampling and the
 * token's way to the host. Weights are random and tokens are drawn from a nearly even distribution, so that every token and
 * layer has active channels of its own. Selection is inside of every figure.
 */
import { argmax, capture, type Device, noGrad, type Tensor, zeros } from '@qsparse/core';
import {
  type ComputeDType,
  DENSE,
  type Decoder,
  type DecoderConfig,
  headLogits,
  selectionOf,
  setSparsity,
  siteParameters,
  siteWidths,
} from '@qsparse/layers';
import { generateTokens } from '@qsparse/models';
import { copyRate, type DecodeStep, timeDecodeStep } from './decode-step.ts';
import { type PromptRate, timeBatch, timePrompt } from './decode-texts.ts';
import { randomDecoder } from './random-decoder.ts';

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
  '125M': {
    ...{ hiddenSize: 768, intermediateSize: 2048, layers: 12, heads: 12, keyValueHeads: 12 },
    vocabularySize: 32_000,
  },
  '1.3B': {
    ...{ hiddenSize: 2048, intermediateSize: 5504, layers: 24, heads: 32, keyValueHeads: 32 },
    vocabularySize: 32_000,
  },
  '7B': {
    ...{ hiddenSize: 4096, intermediateSize: 11_008, layers: 32, heads: 32, keyValueHeads: 32 },
    vocabularySize: 32_000,
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
  /** Tokens in front of them. Default 4. */
  readonly prompt?: number | undefined;
  /** Default f32. */
  readonly compute?: ComputeDType | undefined;
  /** Tokens of a prompt that is timed by itself, at the first sparsity. Default: none. */
  readonly prefill?: number | undefined;
  /** Embedding and head in int8, a scale a row. Default: in what the model computes in. */
  readonly vocabulary?: 'int8' | undefined;
  /** Texts at once, each number at every sparsity. Default: none. */
  readonly batches?: readonly number[] | undefined;
}

export interface DecodeRow {
  /** `weights`: the form that training uses, where the model has it; `packed`: channel by channel. */
  readonly form: 'weights' | 'packed';
  readonly sparsity: number;
  /** Of a token: median, and the tenth and ninetieth of a hundred. */
  readonly milliseconds: number;
  readonly low: number;
  readonly high: number;
  readonly tokensPerSecond: number;
  /** Of the fastest tenth. */
  readonly tokensPerSecondBest: number;
  /** Of the first packed row, the densest. */
  readonly speedup: number;
  /** Of linear layers, read for a token at most. */
  readonly megabytes: number;
  /** The step by the device's own clock, where it has one. */
  readonly step?: DecodeStep | undefined;
  /** Of what a copy reaches: bytes of linear layers, head and cache over the step's time. */
  readonly roofShare?: number | undefined;
  /** At the shape's own number of layers, as if each took as long. */
  readonly tokensPerSecondFull: number;
}

export interface BatchRow {
  /** Texts at once. */
  readonly batch: number;
  readonly sparsity: number;
  /** Of all texts together. */
  readonly tokensPerSecond: number;
  /** Of the first sparsity with as many texts. */
  readonly speedup: number;
}

export interface DecodeResult {
  readonly shape: DecodeShape;
  readonly weights: DecodeWeights;
  readonly layers: number;
  readonly threads: number;
  /** Of a token in the head. */
  readonly headMilliseconds: number;
  /** Of the head and of what is cached of the prompt, read for each token whatever is left out. */
  readonly otherMegabytes: number;
  readonly rows: readonly DecodeRow[];
  readonly prefill?: PromptRate | undefined;
  readonly batches: readonly BatchRow[];
}

const CONTEXT = 512;
/** The first calls record and warm up. */
const WARM_UP = 4;
const HEAD_CALLS = 16;
/** Every sparsity is measured in so many turns, so that a busy moment does not hit one alone. */
const TURNS = 3;

export async function timeDecode(device: Device, options: DecodeOptions): Promise<DecodeResult> {
  const { shape, weights, sparsities, tokens, prompt = 4, compute = 'f32', vocabulary } = options;
  const roof = await copyRate(device);
  const rounded = weights === 'bf16' || compute === 'bf16' ? 'bf16' : 'f32';
  const model = await randomDecoder(device, configOf(options), { compute, weights: rounded, vocabulary });
  try {
    const packed = model.packed!;
    const times = new Map<string, number[]>();
    const measure = async (
      form: DecodeRow['form'],
      sparsity: number,
      count: number,
      seed: number,
    ): Promise<void> => {
      leaveOut(model, sparsity);
      model.packed = form === 'packed' ? packed : undefined;
      const key = `${form} ${sparsity}`;
      times.set(key, [...(times.get(key) ?? []), ...(await timesOf(model, count, seed, prompt))]);
    };
    const share = Math.ceil(tokens / TURNS);
    model.packed = packed;
    await timesOf(model, share, 0, prompt); // until the kernels are compiled for good
    for (let turn = 0; turn < TURNS; turn++)
      for (const sparsity of sparsities) await measure('packed', sparsity, share, turn);
    // Weights are rounded for every token in this form, to three values or to bf16: a few tell how long that takes.
    if (!packed.isWhole)
      await measure('weights', 0, weights === 'ternary' || compute === 'bf16' ? 3 : share, 0);
    model.packed = packed;
    const steps = new Map<number, DecodeStep | undefined>();
    for (const sparsity of sparsities) {
      leaveOut(model, sparsity);
      steps.set(sparsity, await timeDecodeStep(model, prompt));
    }
    const headMilliseconds = await headTime(model);
    const full = DECODE_SHAPES[shape].layers;
    const { layers } = model.config;
    const densest = median(times.get(`packed ${sparsities[0]!}`)!);
    model.packed = packed;
    const rowOf = (form: DecodeRow['form'], sparsity: number): DecodeRow => {
      const own = times.get(`${form} ${sparsity}`)!;
      const milliseconds = median(own);
      const blocks = Math.max(0, milliseconds - headMilliseconds);
      const bytes = bytesRead(model, form, weights, sparsity);
      const step = form === 'packed' ? steps.get(sparsity) : undefined;
      const whole = bytes + otherBytes(model, prompt);
      return {
        ...{ form, sparsity, milliseconds, low: quantile(own, 0.1), high: quantile(own, 0.9) },
        tokensPerSecond: 1000 / milliseconds,
        tokensPerSecondBest: 1000 / quantile(own, 0.1),
        speedup: densest / milliseconds,
        megabytes: bytes / 1e6,
        ...(step && roof && { step, roofShare: whole / step.milliseconds / 1e6 / roof }),
        tokensPerSecondFull: 1000 / (headMilliseconds + (blocks * full) / layers),
      };
    };
    const asWeights = packed.isWhole ? [] : [rowOf('weights', 0)];
    const rows = [...asWeights, ...sparsities.map((sparsity) => rowOf('packed', sparsity))];
    leaveOut(model, sparsities[0]!);
    const prefill = options.prefill ? await timePrompt(model, options.prefill) : undefined;
    const batches: BatchRow[] = [];
    for (const batch of options.batches ?? []) {
      for (const sparsity of sparsities) {
        leaveOut(model, sparsity);
        const tokensPerSecond = await timeBatch(model, batch, share);
        const dense = batches.find((row) => row.batch === batch)?.tokensPerSecond ?? tokensPerSecond;
        batches.push({ batch, sparsity, tokensPerSecond, speedup: tokensPerSecond / dense });
      }
    }
    return {
      ...{ shape, weights, layers, threads: device.caps.threads, headMilliseconds },
      ...{ otherMegabytes: otherBytes(model, prompt) / 1e6, rows, prefill, batches },
    };
  } finally {
    model.dispose();
  }
}

function leaveOut(model: Decoder, sparsity: number): void {
  setSparsity(model, sparsity === 0 ? { kind: 'dense' } : { kind: 'top-k', sparsity });
}

/** Of the head, and of the keys and values of so many tokens. */
function otherBytes({ config, compute, packed }: Decoder, tokens: number): number {
  const { vocabularySize, hiddenSize, layers, keyValueHeads, headSize } = config;
  const size = compute === 'bf16' ? 2 : 4;
  const head = vocabularySize * (packed?.vocabulary ? hiddenSize + 4 : size * hiddenSize);
  return head + size * 2 * layers * tokens * keyValueHeads * headSize;
}

function configOf({ shape, weights, layers, prompt = 4, tokens, prefill = 0 }: DecodeOptions): DecoderConfig {
  const sizes = DECODE_SHAPES[shape];
  const isTernary = weights === 'ternary';
  return {
    ...sizes,
    layers: layers ?? sizes.layers,
    headSize: sizes.hiddenSize / sizes.heads,
    contextLength: Math.max(CONTEXT, prompt + tokens + WARM_UP, prefill + 1),
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
async function timesOf(
  model: Decoder,
  count: number,
  seed: number,
  prompt: number,
): Promise<readonly number[]> {
  const text = Array.from({ length: prompt }, (_, i) => 1 + (i % 500));
  const times: number[] = [];
  let last = performance.now();
  for await (const _ of generateTokens(model, text, { maxTokens: count + WARM_UP, seed })) {
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
