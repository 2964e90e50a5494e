/** Times one captured training step: loss, backward, clip and AdamW on random tokens. */
import { type Device, keep, type Program, type Tensor, tensor } from '@qsparse/core';
import { type ComputeDType, countParameters, createDecoder, initialize } from '@qsparse/layers';
import { createAdamW, trainStep } from '@qsparse/training';
import { trainableDecoder } from 'qsparse';
import { benchModel, flopsOfToken, ROW, type SizeName, type Variant, VOCABULARY } from './shapes.ts';

export interface StepOptions {
  readonly size: SizeName;
  readonly variant: Variant;
  readonly compute: ComputeDType;
  /** Rows of a step; default: the size's, or what fits (`rowsThatFit`). */
  readonly batch: number | undefined;
  readonly row: number | undefined;
  /** Steps to time. */
  readonly steps: number;
}

export interface StepResult {
  readonly size: SizeName;
  readonly variant: Variant;
  readonly compute: ComputeDType;
  readonly parameters: number;
  readonly batch: number;
  /** Rows that a step of this size has on other devices. */
  readonly usualBatch: number;
  readonly row: number;
  /** Median, fastest and slowest, in milliseconds. */
  readonly milliseconds: number;
  readonly fastest: number;
  readonly slowest: number;
  readonly tokensPerSecond: number;
  /** Floating-point operations of the model a second. */
  readonly teraflops: number;
  /** Bytes of tensors and programs at their most. */
  readonly peakMemory: number;
  readonly launches: number;
  /** Seconds from an open device to the end of the first step, and of the step that is recorded. */
  readonly firstStep: number;
  readonly secondStep: number;
  readonly loss: number;
  /** Where the time of a step goes, by kernel, where the device can tell. */
  readonly profile: readonly LaunchTime[] | undefined;
}

/** One launch of a step, in microseconds. */
export interface LaunchTime {
  readonly name: string;
  readonly start: number;
  readonly duration: number;
}

/** What a device may bring: its own clock, and times of a program's launches. */
interface Clock {
  time?(work: () => void): Promise<number>;
}
/** A WebGPU device, whose kernels see at most one binding of a tensor at once. */
interface Bound {
  readonly gpu?: { readonly limits: { readonly maxStorageBufferBindingSize: number } };
}
interface Profiled extends Program {
  profile?(): Promise<readonly LaunchTime[]>;
}

export async function timeTrainStep(device: Device, options: StepOptions): Promise<StepResult> {
  const { size, variant, compute, steps, row = ROW } = options;
  const { config, batch: usual } = benchModel(size, variant, row);
  const batch = options.batch ?? Math.min(usual, rowsThatFit(device, row));
  const opened = performance.now();
  const model = createDecoder(device, config, { compute });
  initialize(model, 1);
  const optimizer = createAdamW(model.arena);
  const step = trainStep(trainableDecoder(model), optimizer);
  const hyper = { learningRate: 3e-4, weightDecay: 0.01, clipNorm: 1 };
  const inputs = {
    tokens: randomTokens(device, [batch, row], 1),
    targets: randomTokens(device, [batch, row], 2),
    hyper: keep(tensor(device, optimizer.hyper({ ...hyper, step: 0 }), [8])),
  };
  const seconds = async (): Promise<number> => {
    const start = performance.now();
    await step(inputs).loss.item();
    return (performance.now() - start) / 1000;
  };
  await seconds();
  const firstStep = (performance.now() - opened) / 1000;
  const secondStep = await seconds();
  await seconds();
  const clock = device as Device & Clock;
  const times: number[] = [];
  for (let i = 0; i < steps; i++) {
    if (clock.time) times.push(await clock.time(() => void step(inputs)));
    else times.push(1000 * (await seconds()));
  }
  const loss = await step(inputs).loss.item();
  times.sort((a, b) => a - b);
  const milliseconds = times[times.length >> 1]!;
  const program = step.program as Profiled | undefined;
  const profile = clock.time ? await program?.profile?.() : undefined;
  const tokens = batch * row;
  const { total: parameters } = countParameters(config);
  const result = {
    ...{ size, variant, compute, parameters, batch, usualBatch: usual, row, milliseconds },
    fastest: times[0]!,
    slowest: times.at(-1)!,
    tokensPerSecond: (1000 * tokens) / milliseconds,
    teraflops: (tokens * flopsOfToken(parameters, config, row)) / milliseconds / 1e9,
    peakMemory: device.memory().peak,
    launches: program?.launches ?? 0,
    ...{ firstStep, secondStep, loss, profile },
  };
  step.dispose();
  for (const input of Object.values(inputs)) input.dispose();
  optimizer.dispose();
  model.dispose();
  return result;
}

/** Rows of a step whose f32 logits, its largest tensor, fit in one binding; WebGPU may refuse larger buffers too. */
function rowsThatFit(device: Device, row: number): number {
  const most = (device as Device & Bound).gpu?.limits.maxStorageBufferBindingSize;
  return most === undefined
    ? Number.POSITIVE_INFINITY
    : Math.max(1, Math.floor(most / (4 * row * VOCABULARY)));
}

function randomTokens(device: Device, shape: readonly number[], seed: number): Tensor {
  // Numerical Recipes' generator: any spread over the vocabulary does.
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * VOCABULARY);
  };
  const size = shape.reduce((product, length) => product * length, 1);
  return keep(tensor(device, Int32Array.from({ length: size }, next), shape, 'i32'));
}
