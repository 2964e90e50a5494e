/**
 * What a run must store to go on exactly: weights, moments, step, data position. Where it is stored is a
 * CheckpointStore; this file knows names and checks, not folders.
 */
import {
  asView,
  type ParamArena,
  type Shape,
  sameShape,
  section,
  showShape,
  type Tensor,
  write,
} from '@qsparse/core';
import { FormatError, type TensorStore, type TensorToWrite, toFloat32 } from '@qsparse/formats';
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
}

export interface CheckpointToWrite {
  readonly state: TrainingState;
  /** By parameter name. */
  readonly weights: readonly TensorToWrite[];
  /** `m.NAME` and `v.NAME` of every parameter. */
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

const momentSlots = (arena: ParamArena, { m, v }: Optimizer): readonly Slot[] => [
  ...slotsOf(arena, m, 'm.'),
  ...slotsOf(arena, v, 'v.'),
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
  const jobs = [
    { store: weights, slots: slotsOf(arena, arena.values) },
    { store: moments, slots: momentSlots(arena, optimizer) },
  ];
  for (const { store, slots } of jobs) requireTensors(store, slots);
  for (const { store, slots } of jobs) {
    for (const slot of slots) {
      const loaded = await store.read(slot.name);
      const values = loaded.dtype === 'f64' ? (loaded.data as Float64Array) : toFloat32(loaded);
      await withPart(slot, async (part) => write(part, values));
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

function requireTensors(store: TensorStore, slots: readonly Slot[]): void {
  const error = (code: FormatError['code'], tensor: string, problem: string): FormatError => {
    // Names come from a file: JSON keeps them on one line.
    const message = `[resume] ${store.name}: tensor ${JSON.stringify(tensor)} ${problem}; resume with the configuration that the run was started with`;
    return new FormatError(code, message, { file: store.name, tensor });
  };
  for (const { name, shape } of slots) {
    const found = store.tensors.get(name);
    if (!found) throw error('missing-tensor', name, `${showShape(shape)} is missing`);
    if (!sameShape(found.shape, shape))
      throw error('shape', name, `must have shape ${showShape(shape)}, got ${showShape(found.shape)}`);
    if (found.dtype !== 'f32' && found.dtype !== 'f64')
      throw error('dtype', name, `must be f32 or f64, got ${found.dtype}`);
  }
  const known = new Set(slots.map(({ name }) => name));
  for (const name of store.tensors.keys())
    if (!known.has(name)) throw error('unexpected-tensor', name, 'belongs to nothing here');
}
