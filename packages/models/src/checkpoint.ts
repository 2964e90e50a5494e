/**
 * Weights of a decoder from and to a tensor store; names and shapes must match exactly, in both directions. Ternary
 * weights that were rounded before saving have a scale beside them: stored-ternary.ts.
 */
import { type Param, type Shape, section, write } from '@qsparse/core';
import {
  requireTensors,
  type TensorRequirement,
  type TensorStore,
  type TensorToWrite,
} from '@qsparse/formats';
import { type Decoder, type DecoderConfig, decoderParams, isLinearWeight } from '@qsparse/layers';
import { requireUnpacked } from './packed-format.ts';
import { eachPiece } from './pieces.ts';
import {
  effectiveScale,
  requirePlausibleScales,
  storedShape,
  ternaryMagnitude,
  ternaryValues,
} from './stored-ternary.ts';
import type { TernaryScale } from './ternary-config.ts';

export interface LoadProgress {
  /** The tensor that has just arrived. */
  readonly tensor: string;
  /** Bytes of the checkpoint read so far, and of all that will be. */
  readonly bytes: number;
  readonly totalBytes: number;
}

export interface CheckpointOptions {
  /** What the numbers beside ternary weights do; absent: weights are stored as floats. */
  readonly ternaryScale?: TernaryScale | undefined;
}

export interface LoadOptions extends CheckpointOptions {
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const FLOATS = ['f32', 'bf16', 'f16', 'f64'] as const;
const MATCH: Omit<TensorRequirement, 'dtypes'> = {
  label: 'load',
  unexpected: 'belongs to no parameter of this model',
  advice: 'check that config.json belongs to these weights',
};

/**
 * Fills every parameter from f32, bf16, f16 or f64, or from ternary weights and their scale. One tensor at a time is in
 * host memory, and of its elements in another dtype only a piece. Throws FormatError naming the first tensor that is
 * missing, extra, misshapen or of another dtype before any parameter has changed.
 */
export async function loadWeights(
  model: Decoder,
  store: TensorStore,
  { ternaryScale, onProgress, signal }: LoadOptions = {},
): Promise<void> {
  checkWeights(model.config, store, { ternaryScale });
  const { ternary } = partsOf(model.config, store, ternaryScale);
  const scales = new Map<string, number>();
  if (ternaryScale) {
    for (const name of ternary.keys()) {
      const stored = await store.read(scaleOf(name), signal);
      scales.set(name, effectiveScale(stored, ternaryScale, store.name));
    }
    requirePlausibleScales(scales, ternary, ternaryScale, store.name);
  }
  const sizeOf = (name: string): number => store.tensors.get(name)!.byteLength;
  const names = [...model.arena.params.keys()];
  const totalBytes = names.reduce((sum, name) => sum + sizeOf(name), 0);
  let bytes = 0;
  for (const [name, param] of model.arena.params) {
    await loadParameter(param, store, name, { scale: scales.get(name), signal });
    bytes += sizeOf(name);
    onProgress?.({ tensor: name, bytes, totalBytes });
  }
}

/** What `loadWeights` checks of names, shapes and dtypes, before any memory is taken for the model. Throws FormatError. */
export function checkWeights(
  config: DecoderConfig,
  store: TensorStore,
  { ternaryScale }: CheckpointOptions = {},
): void {
  requireUnpacked(store);
  const { floats, ternary } = partsOf(config, store, ternaryScale);
  const ignored = ignoredTensors(config, store);
  requireTensors(
    partOf(store, (name) => ternary.has(name)),
    new Map([...ternary].map(([name, shape]) => [name, storedShape(store.tensors.get(name), shape)])),
    { ...MATCH, dtypes: [...FLOATS, 'u8', 'i8'] },
  );
  requireTensors(
    partOf(store, (name) => !ternary.has(name) && !ignored.includes(name)),
    floats,
    { ...MATCH, dtypes: FLOATS },
  );
}

/** The store with those of its tensors alone that are wanted. */
export const partOf = (store: TensorStore, isWanted: (name: string) => boolean): TensorStore => ({
  ...store,
  tensors: new Map([...store.tensors].filter(([name]) => isWanted(name))),
});

/** Tensors that checkpoints may have and that change nothing: tables of angles, and a head beside a tied embedding. */
function ignoredTensors({ tiedEmbedding }: DecoderConfig, store: TensorStore): readonly string[] {
  return [...store.tensors.keys()].filter(
    (name) => /\.rotary_emb\.inv_freq$/.test(name) || (tiedEmbedding && name === 'lm_head.weight'),
  );
}

/** Every parameter as f32, read from the device when the writer comes to it. */
export function weightsOf(model: Decoder): TensorToWrite[] {
  return [...model.arena.params].map(([name, param]) => ({
    name,
    dtype: 'f32',
    shape: param.shape,
    data: async () => (await param.data()) as Float32Array,
  }));
}

export const scaleOf = (name: string): string => `${name}_scale`;

/** The tensors of a checkpoint with their shapes: those that are floats, scales among them, and ternary weights. */
function partsOf(
  config: DecoderConfig,
  store: TensorStore,
  ternaryScale: TernaryScale | undefined,
): { readonly floats: ReadonlyMap<string, Shape>; readonly ternary: ReadonlyMap<string, Shape> } {
  const floats = new Map<string, Shape>();
  const ternary = new Map<string, Shape>();
  for (const { name, shape } of decoderParams(config)) {
    if (!ternaryScale || !isLinearWeight(name)) {
      floats.set(name, shape);
      continue;
    }
    ternary.set(name, shape);
    // One number, as a vector or as a scalar.
    floats.set(scaleOf(name), store.tensors.get(scaleOf(name))?.shape.length === 0 ? [] : [1]);
  }
  return { floats, ternary };
}

/** A function of its own, so that nothing of one tensor is alive when the next is read. */
export async function loadParameter(
  param: Param,
  store: TensorStore,
  name: string,
  { scale, signal }: { readonly scale?: number | undefined; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  signal?.throwIfAborted();
  const stored = await store.read(name, signal);
  // Unrounded where the device holds float64.
  if (scale === undefined) return eachPiece(stored, (start, piece) => writeAt(param, start, piece));
  const { values } = ternaryValues(stored, param.shape as [number, number], store.name);
  const magnitude = ternaryMagnitude(values, scale);
  eachPiece({ name, dtype: 'i8', data: values as Int8Array<ArrayBuffer> }, (start, piece) =>
    writeAt(
      param,
      start,
      Float64Array.from(piece, (value) => value * magnitude),
    ),
  );
}

function writeAt(param: Param, start: number, elements: ArrayLike<number>): void {
  const part = section(param, start, [elements.length]);
  write(part, elements);
  part.dispose();
}
