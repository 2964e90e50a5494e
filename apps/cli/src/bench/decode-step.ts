/**
 * One decoding step by itself, on devices that have a clock: its time without the host, its launches, and where the time
 * goes. Past the position that is given a cache holds zeros; a token's time does not depend on what is in it.
 */
import {
  argmax,
  capture,
  copy,
  type Device,
  keep,
  noGrad,
  reshape,
  scope,
  type Tensor,
  tensor,
  zeros,
} from '@qsparse/core';
import {
  createCache,
  type Decoder,
  decoderSteps,
  embedTokens,
  finalStates,
  headLogits,
} from '@qsparse/layers';
import { type KernelShare, sharesOf } from './profile.ts';
import { hasClock } from './timed-device.ts';
import type { LaunchTime } from './train-step.ts';

export interface DecodeStep {
  /** Median of the device's own clock. */
  readonly milliseconds: number;
  readonly launches: number;
  /** Launch by launch, with the gaps between launches that a clock for each brings. */
  readonly kernels: readonly KernelShare[];
}

const REPLAYS = 30;
/** Elements, for each multiprocessor, of what is copied to find the ceiling: a gibibyte on large GPUs. */
const COPIED = 2 ** 21;

/** The step at `position`; undefined where the device has no clock. */
export async function timeDecodeStep(model: Decoder, position: number): Promise<DecodeStep | undefined> {
  const { device } = model;
  if (!hasClock(device)) return undefined;
  const cache = createCache(model, 1, position + 1);
  cache.seek(position, 1);
  const first = keep(tensor(device, [1], [1, 1], 'i32'));
  const step = capture(({ tokens }: { readonly tokens: Tensor }) =>
    noGrad(() => {
      const x = decoderSteps(model, { cache }).reduce((state, one) => one(state), embedTokens(model, tokens));
      const states = reshape(finalStates(model, x), [1, model.config.hiddenSize]);
      return reshape(argmax(headLogits(model, states)), [1, 1]);
    }),
  );
  try {
    // The token of a step is the next one's: other channels are active in each.
    let tokens = step({ tokens: first });
    for (let i = 0; i < 3; i++) tokens = step({ tokens });
    const times: number[] = [];
    for (let i = 0; i < REPLAYS; i++) times.push(await device.time(() => void step({ tokens })));
    times.sort((a, b) => a - b);
    const program = step.program as
      | { profile?(): Promise<readonly LaunchTime[]>; launches: number }
      | undefined;
    const profile = (await program?.profile?.()) ?? [];
    return {
      milliseconds: times[times.length >> 1]!,
      launches: program?.launches ?? 0,
      kernels: sharesOf(profile),
    };
  } finally {
    step.dispose();
    first.dispose();
    cache.dispose();
  }
}

/** Gigabytes a second that a copy reads and writes; undefined where the device has no clock. */
export async function copyRate(device: Device): Promise<number | undefined> {
  if (!hasClock(device)) return undefined;
  const elements = COPIED * device.caps.threads;
  const from = zeros(device, [elements]);
  try {
    const times: number[] = [];
    for (let i = 0; i < 5; i++) times.push(await device.time(() => scope(() => void copy(from))));
    times.sort((a, b) => a - b);
    return (2 * 4 * elements) / times[2]! / 1e6;
  } finally {
    from.dispose();
  }
}
