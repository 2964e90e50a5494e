/**
 * What a run must store to go on exactly: weights, moments, step, data position. Where it is stored is a
 * CheckpointStore; this file knows names and checks, not folders.
 */
import { type ParamArena, sameShape, section, showShape, type Tensor, write } from '@qsparse/core';
import { FormatError, type TensorStore, type TensorToWrite, toFloat32 } from '@qsparse/formats';
import type { Optimizer } from './optimizer.ts';

/** The part of a checkpoint that is plain JSON. */
export interface TrainingState {
  /** Updates done. */
  readonly step: number;
  readonly position: unknown;
  readonly fingerprint: string;
  /** Tokens seen. */
  readonly tokens: number;
}

export interface CheckpointToWrite {
  readonly state: TrainingState;
  /** model.safetensors */
  readonly weights: readonly TensorToWrite[];
  /** optimizer.safetensors */
  readonly moments: readonly TensorToWrite[];
}

export interface StoredCheckpoint {
  readonly state: TrainingState;
  readonly weights: TensorStore;
  readonly moments: TensorStore;
  close(): Promise<void>;
}

/** Keeps checkpoints; `save` is atomic: the last good one survives whatever happens during it. */
export interface CheckpointStore {
  /** Returns where the checkpoint is, for people. */
  save(checkpoint: CheckpointToWrite): Promise<string>;
  /** The newest complete checkpoint. */
  latest(): Promise<StoredCheckpoint | undefined>;
}

/** The tensors to write; each is read from the device when the writer comes to it. */
export function checkpointTensors(
  arena: ParamArena,
  { m, v }: Optimizer,
): Pick<CheckpointToWrite, 'weights' | 'moments'> {
  const entry = (name: string, tensor: Tensor): TensorToWrite => ({
    name,
    dtype: 'f32',
    shape: tensor.shape,
    data: async () => (await tensor.data()) as Float32Array,
  });
  const part = (flat: Tensor, name: string): Tensor =>
    section(flat, arena.offsets.get(name)!, arena.params.get(name)!.shape);
  const names = [...arena.params.keys()];
  return {
    weights: names.map((name) => entry(name, arena.params.get(name)!)),
    moments: names.flatMap((name) => [moment(`m.${name}`, m, name), moment(`v.${name}`, v, name)]),
  };

  function moment(key: string, flat: Tensor, name: string): TensorToWrite {
    const { shape } = arena.params.get(name)!;
    const data = async () => {
      const view = part(flat, name);
      try {
        return (await view.data()) as Float32Array;
      } finally {
        view.dispose();
      }
    };
    return { name: key, dtype: 'f32', shape, data };
  }
}

/**
 * Fills weights and moments. Throws FormatError naming the tensor that is missing, extra or misshapen, before anything
 * has changed.
 */
export async function restore(
  arena: ParamArena,
  { m, v }: Optimizer,
  stored: StoredCheckpoint,
): Promise<void> {
  const jobs: { store: TensorStore; key: string; into: Tensor; owned: boolean }[] = [];
  for (const [name, param] of arena.params) {
    jobs.push({ store: stored.weights, key: name, into: param, owned: false });
    for (const [letter, flat] of [
      ['m', m],
      ['v', v],
    ] as const) {
      jobs.push({
        store: stored.moments,
        key: `${letter}.${name}`,
        into: section(flat, arena.offsets.get(name)!, param.shape),
        owned: true,
      });
    }
  }
  try {
    requireTensors(stored.weights, jobs);
    requireTensors(stored.moments, jobs);
    for (const { store, key, into } of jobs) write(into, toFloat32(await store.read(key)));
  } finally {
    for (const { into, owned } of jobs) if (owned) into.dispose();
  }
}

function requireTensors(
  store: TensorStore,
  jobs: readonly { store: TensorStore; key: string; into: Tensor }[],
): void {
  const mine = jobs.filter((job) => job.store === store);
  const hint = 'resume with the configuration that the run was started with';
  for (const { key, into } of mine) {
    const found = store.tensors.get(key);
    const details = { file: store.name, tensor: key };
    if (!found)
      throw new FormatError(
        'missing-tensor',
        `[resume] ${store.name}: tensor "${key}" is missing; ${hint}`,
        details,
      );
    if (!sameShape(found.shape, into.shape)) {
      const text = `tensor "${key}" must have shape ${showShape(into.shape)}, got ${showShape(found.shape)}`;
      throw new FormatError('shape', `[resume] ${store.name}: ${text}; ${hint}`, details);
    }
  }
  const known = new Set(mine.map(({ key }) => key));
  for (const key of store.tensors.keys()) {
    if (known.has(key)) continue;
    throw new FormatError(
      'unexpected-tensor',
      `[resume] ${store.name}: tensor "${key}" belongs to nothing here; ${hint}`,
      { file: store.name, tensor: key },
    );
  }
}
