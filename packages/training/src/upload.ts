/** Batches as tensors. */
import { type Device, keep, type Tensor, tensor } from '@qsparse/core';
import type { StepInputs } from './step.ts';
import type { Batch, BatchSource } from './trainable.ts';

/** What else belongs to `count` rows, [count, …] each. */
export function rowTensors(
  device: Device,
  more: Batch['more'] = {},
  count: number,
): Readonly<Record<string, Tensor>> {
  const made = Object.entries(more).map(([name, values]) => {
    const width = values.length / count;
    const dtype = values instanceof Int32Array ? 'i32' : 'f32';
    return [name, tensor(device, values, width === 1 ? [count] : [count, width], dtype)] as const;
  });
  return Object.fromEntries(made);
}

/** `count` batches as one, row under row. */
export function joinedBatches(batches: BatchSource, count: number): Batch {
  const parts = Array.from({ length: count }, () => batches.next());
  const [first] = parts as [Batch, ...Batch[]];
  const [rows, length] = first.shape;
  const concatenate = <A extends Int32Array | Float32Array>(arrayOf: (part: Batch) => A): A => {
    const one = arrayOf(first);
    const all = new (one.constructor as new (length: number) => A)(count * one.length);
    for (const [i, part] of parts.entries()) all.set(arrayOf(part), i * one.length);
    return all;
  };
  const names = Object.keys(first.more ?? {});
  return {
    tokens: concatenate(({ tokens }) => tokens),
    targets: concatenate(({ targets }) => targets),
    shape: [count * rows, length],
    ...(names.length > 0 && {
      more: Object.fromEntries(names.map((name) => [name, concatenate(({ more }) => more![name]!)])),
    }),
  };
}

/** Tensors of their own, which the step copies from and the loop frees. `weights`: see `targetShares`. */
export function upload(
  device: Device,
  { tokens, targets, shape, more }: Batch,
  hyper: readonly number[],
  weights: Float32Array | undefined,
): StepInputs {
  const inputs: StepInputs = {
    tokens: tensor(device, tokens, shape, 'i32'),
    targets: tensor(device, targets, shape, 'i32'),
    hyper: tensor(device, hyper, [8]),
    ...(weights && { weights: tensor(device, weights) }),
    ...rowTensors(device, more, shape[0]),
  };
  for (const input of Object.values(inputs)) keep(input);
  return inputs;
}

/** The share of all targets that each of `parts` equal parts of the rows has; 0 where there is no target at all. */
export function targetShares({ targets }: Pick<Batch, 'targets'>, parts: number): Float32Array {
  const size = targets.length / parts;
  const counts = Array.from({ length: parts }, (_, i) => {
    const part = targets.subarray(i * size, (i + 1) * size);
    return part.reduce((count, target) => count + (target >= 0 ? 1 : 0), 0);
  });
  const all = counts.reduce((sum, count) => sum + count, 0);
  return Float32Array.from(counts, (count) => (all === 0 ? 0 : count / all));
}
