/** One whole training step (loss, backward, clip, AdamW) of a decoder, and where its time goes, kernel by kernel. */
import { type CpuProgram, cpuDevice } from '@qsparse/backend-cpu';
import { tensor } from '@qsparse/core';
import {
  countParameters,
  createDecoder,
  type DecoderConfig,
  initialize,
  type LinearConfig,
  lossOf,
} from '@qsparse/layers';
import { createAdamW, trainStep } from '@qsparse/training';
import { timeCalls } from './timing.ts';

export interface DecoderStep {
  readonly name: string;
  readonly threads: number;
  readonly simd: string;
  readonly parameters: number;
  readonly tokens: number;
  /** Seconds of the median and best step. */
  readonly median: number;
  readonly best: number;
  readonly tokensPerSecond: number;
  /** 6·N·T a second, N all parameters. */
  readonly gflops: number;
  /** Share of a step by kernel, largest first. */
  readonly kernels: readonly {
    readonly kernel: string;
    readonly share: number;
    readonly milliseconds: number;
    readonly launches: number;
  }[];
}

const BASE: DecoderConfig = {
  vocabularySize: 512,
  hiddenSize: 256,
  intermediateSize: 768,
  layers: 6,
  heads: 4,
  keyValueHeads: 4,
  headSize: 64,
  contextLength: 256,
  slidingWindow: 0,
  ropeTheta: 10_000,
  normEpsilon: 1e-5,
  activation: 'squared-relu',
  subLayerNorms: true,
  tiedEmbedding: true,
  linear: {
    sparsity: { kind: 'top-k', sparsity: 0.6 },
    weights: 'ternary',
    activations: 'int8',
    straightThrough: true,
    rescale: 'none',
  },
};

/** The variants that are compared: the method whole, without ternary weights, and dense. */
export const DECODER_VARIANTS: Readonly<Record<string, Partial<LinearConfig>>> = {
  'ternary top-K 60 %': {},
  'full top-K 60 %': { weights: 'full', activations: 'full' },
  'full dense': { weights: 'full', activations: 'full', sparsity: { kind: 'dense' } },
};

export async function timeDecoderStep(
  name: string,
  threads: number,
  { rows = 8, seconds = 4 }: { readonly rows?: number; readonly seconds?: number } = {},
): Promise<DecoderStep> {
  const device = await cpuDevice({ threads });
  const config = { ...BASE, linear: { ...BASE.linear, ...DECODER_VARIANTS[name] } };
  const model = createDecoder(device, config);
  initialize(model, 1);
  const optimizer = createAdamW(model.arena);
  const step = trainStep(
    { device, arena: model.arena, loss: (tokens, targets) => lossOf(model, tokens, targets) },
    optimizer,
  );
  const shape = [rows, config.contextLength];
  const ids = Int32Array.from(
    { length: rows * config.contextLength },
    (_, i) => (i * 7919) % config.vocabularySize,
  );
  const inputs = {
    tokens: tensor(device, ids, shape, 'i32'),
    targets: tensor(
      device,
      ids.map((id) => (id + 1) % config.vocabularySize),
      shape,
      'i32',
    ),
    hyper: tensor(
      device,
      optimizer.hyper({ learningRate: 1e-4, weightDecay: 0.1, step: 10, clipNorm: 1 }),
      [8],
    ),
  };
  const { best, median } = await timeCalls(() => step(inputs).loss.item(), { seconds });
  const times = Object.entries((step.program as CpuProgram).profile());
  const total = times.reduce((sum, [, { milliseconds }]) => sum + milliseconds, 0);
  const kernels = times
    .map(([kernel, { milliseconds, launches }]) => ({
      kernel,
      share: milliseconds / total,
      milliseconds,
      launches,
    }))
    .sort((a, b) => b.share - a.share);
  const { total: parameters } = countParameters(config);
  const tokens = ids.length;
  device.dispose();
  return {
    name,
    threads,
    simd: device.simd,
    parameters,
    tokens,
    median,
    best,
    tokensPerSecond: tokens / median,
    gflops: (6 * parameters * tokens) / median / 1e9,
    kernels,
  };
}
