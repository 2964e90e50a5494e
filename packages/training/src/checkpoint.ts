/**
 * What a run must store to go on exactly: weights, moments, step, data position. Where it is stored is a
 * CheckpointStore; this file knows names and checks, not folders.
 */
import { asView, type ParamArena, type Shape, section, type Tensor, write } from '@qsparse/core';
import { requireTensors, type TensorStore, type TensorToWrite, toFloats } from '@qsparse/formats';
import type { Optimizer } from './optimizer.ts';

/** The part of a checkpoint that is plain JSON. */
export interface TrainingState {
  /** Updates done. */
  readonly step: number;
  /** Tokens seen. */
  readonly tokens: number;
  /** Of the batches. */
  readonly position: unknown;
  /** Of the batches. */
  readonly fingerprint: string;
  /** Updates that the moments had seen before this run began; absent: none. */
  readonly earlierUpdates?: number;
}

export interface CheckpointToWrite {
  readonly state: TrainingState;
  /** By parameter name. */
  readonly weights: readonly TensorToWrite[];
  /** `m.NAME` and `v.NAME` of every parameter, and `ema.NAME` where an average is kept. */
  readonly moments: readonly TensorToWrite[];
}

export interface StoredCheckpoint {
  /** Where it is, for people. */
  readonly name: string;
  readonly state: TrainingState;
  readonly weights: TensorStore;
  readonly moments: TensorStore;
  close(): Promise<void>;
}

/** Keeps checkpoints; `save` is atomic: the last good one survives whatever happens during it. */
export interface CheckpointStore {
  save(checkpoint: CheckpointToWrite): Promise<void>;
  /** The newest complete checkpoint, if there is one. */
  latest(): Promise<StoredCheckpoint | undefined>;
}

/** A part of the device's memory that belongs to a checkpoint, under its name there. */
interface Slot {
  readonly name: string;
  readonly shape: Shape;
  readonly flat: Tensor;
  /** Elements before it in `flat`. */
  readonly first: number;
}

function slotsOf(arena: ParamArena, flat: Tensor, prefix = ''): readonly Slot[] {
  return [...arena.params].map(([name, { shape }]) => ({
    name: prefix + name,
    shape,
    flat,
    first: arena.offsets.get(name)!,
  }));
}

const momentSlots = (arena: ParamArena, { m, v, average }: Optimizer): readonly Slot[] => [
  ...slotsOf(arena, m, 'm.'),
  ...slotsOf(arena, v, 'v.'),
  ...(average ? slotsOf(arena, average, 'ema.') : []),
];

/** The tensors to write; each is read from the device when the writer comes to it. */
export function checkpointTensors(
  arena: ParamArena,
  optimizer: Optimizer,
): Pick<CheckpointToWrite, 'weights' | 'moments'> {
  return {
    weights: slotsOf(arena, arena.values).map(toWrite),
    moments: momentSlots(arena, optimizer).map(toWrite),
  };
}

/** f32, or f64 where the device holds float64: a checkpoint rounds nothing. */
function toWrite(slot: Slot): TensorToWrite {
  const { name, shape, flat } = slot;
  const { device } = flat;
  return {
    name,
    shape,
    dtype: device.caps.float64 ? 'f64' : 'f32',
    data: () =>
      withPart(slot, async (part) => (await device.read(asView(part))) as Float32Array | Float64Array),
  };
}

/**
 * Fills weights and moments. Throws FormatError naming the tensor that is missing, extra, misshapen or of another
 * dtype, before anything has changed.
 */
export async function restore(
  arena: ParamArena,
  optimizer: Optimizer,
  { weights, moments }: Pick<StoredCheckpoint, 'weights' | 'moments'>,
): Promise<void> {
  await fill([
    { store: weights, slots: slotsOf(arena, arena.values) },
    { store: moments, slots: momentSlots(arena, optimizer) },
  ]);
}

/**
 * Fills the moments alone, from an earlier run of a model of the same shapes; an average that it kept is left. Throws as
 * `restore` does.
 */
export async function restoreMoments(
  arena: ParamArena,
  { m, v }: Pick<Optimizer, 'm' | 'v'>,
  store: TensorStore,
): Promise<void> {
  await fill([
    { store: withoutAverage(store), slots: [...slotsOf(arena, m, 'm.'), ...slotsOf(arena, v, 'v.')] },
  ]);
}

/** Throws FormatError naming the first tensor where `restoreMoments` would. */
export function checkMoments(arena: ParamArena, store: TensorStore): void {
  const [m, v] = ['m.', 'v.'].map((prefix) => slotsOf(arena, arena.values, prefix));
  check({ store: withoutAverage(store), slots: [...m!, ...v!] });
}

function withoutAverage(store: TensorStore): TensorStore {
  const tensors = new Map([...store.tensors].filter(([name]) => !name.startsWith('ema.')));
  return { ...store, tensors };
}

interface Job {
  readonly store: TensorStore;
  readonly slots: readonly Slot[];
}

function check({ store, slots }: Job): void {
  requireTensors(store, new Map(slots.map(({ name, shape }) => [name, shape])), {
    label: 'resume',
    dtypes: ['f32', 'f64'],
    unexpected: 'belongs to nothing here',
    advice: 'resume with the configuration that the run was started with',
  });
}

async function fill(jobs: readonly Job[]): Promise<void> {
  for (const job of jobs) check(job);
  for (const { store, slots } of jobs) {
    for (const slot of slots) {
      const loaded = await store.read(slot.name);
      await withPart(slot, async (part) => write(part, toFloats(loaded)));
    }
  }
}

async function withPart<T>({ flat, first, shape }: Slot, use: (part: Tensor) => Promise<T>): Promise<T> {
  const part = section(flat, first, shape);
  try {
    return await use(part);
  } finally {
    part.dispose();
  }
}
