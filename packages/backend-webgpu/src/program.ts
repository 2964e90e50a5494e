/** A recorded step: bind groups and arguments made once, so that a replay only encodes. */
import type { Program } from '@qsparse/core';
import { profileWork } from './profile.ts';
import { ARGUMENT_STEP, bindGroup, type Copy, type Queue, type Ready, type Work } from './queue.ts';

export interface LaunchTime {
  /** The kernel with its constants, such as `rms-norm.rms_norm with_weight=1`, or `copy`. */
  readonly name: string;
  /** From the start of the program, and how long, in microseconds of the GPU's clock; copies are not timed. */
  readonly start: number;
  readonly duration: number;
}

export interface WebGpuProgram extends Program {
  /**
   * Runs the program once, each launch in a pass of its own, and times each. Slower than `replay`. Throws DeviceError where the
   * adapter measures no times.
   */
  profile(): Promise<readonly LaunchTime[]>;
}

export interface Replayed {
  readonly steps: readonly (Ready | Copy)[];
  readonly labels: readonly string[];
  readonly uniforms: GPUBuffer;
}

const UNIFORM_COPY_DST = 0x40 | 0x08;

export function prepareReplay(device: GPUDevice, work: readonly Work[]): Replayed {
  const dispatches = work.filter((one) => 'pipeline' in one);
  const stepOf = (words: Uint32Array): number =>
    Math.ceil(Math.max(4, words.byteLength) / ARGUMENT_STEP) * ARGUMENT_STEP;
  const size = dispatches.reduce((sum, { words }) => sum + stepOf(words), 0);
  const all = new Uint32Array(Math.max(size, ARGUMENT_STEP) / 4);
  const uniforms = device.createBuffer({
    label: 'arguments of a program',
    size: all.byteLength,
    usage: UNIFORM_COPY_DST,
  });
  let offset = 0;
  const steps = work.map((one): Ready | Copy => {
    if (!('pipeline' in one)) return one;
    const { pipeline, words, x, y, z } = one;
    all.set(words, offset / 4);
    const group = bindGroup(device, one, uniforms, offset);
    offset += stepOf(words);
    return { compute: pipeline.compute, group, x, y, z };
  });
  device.queue.writeBuffer(uniforms, 0, all);
  return { steps, labels: work.map((one) => ('pipeline' in one ? one.pipeline.label : 'copy')), uniforms };
}

export function replay({ steps }: Replayed, queue: Queue): void {
  for (const step of steps) {
    if ('group' in step) queue.encode(step);
    else queue.copy(step);
  }
}

export async function profile(
  device: GPUDevice,
  { steps, labels }: Replayed,
  queue: Queue,
): Promise<readonly LaunchTime[]> {
  const times = await profileWork(device, steps, queue);
  return times.map((time, i) => ({ name: labels[i]!, ...time }));
}
