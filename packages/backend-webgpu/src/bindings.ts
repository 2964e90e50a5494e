/**
 * Where a view lies in a binding. WebGPU lets a binding begin at multiples of 256 bytes only, and never lets one
 * dispatch read and write one buffer through two bindings.
 */
import { byteLength, DTYPES, type DType, ShapeError, showShape, sizeOf, type View } from '@qsparse/core';
import { LimitError, showBytes } from './errors.ts';
import type { BindingData, ModuleData } from './module-data.ts';

/** Where bindings may begin, on every adapter: WebGPU's default, which is not asked to be better. */
export const ALIGNMENT = 256;

export interface Place {
  slot: number;
  /** Bytes from the slot's begin to the binding's. */
  offset: number;
  size: number;
  /** Where the view begins in the binding, in elements. */
  at: number;
}

export const bytesOf = (view: View): number => byteLength(view.dtype, sizeOf(view.shape));

/** Elements are counted in the dtype's size where words hold several, else in the array's. */
function unitOf(binding: BindingData, dtype: DType): number {
  const { bits } = DTYPES[dtype];
  return binding.unit === 4 && bits < 32 ? Math.max(1, bits / 8) : binding.unit;
}

/** Throws LimitError where the view is larger than one binding may be. */
export function placeOf(
  view: View,
  binding: BindingData,
  hasAt: boolean,
  maxBinding: number,
  kernel: string,
): Place {
  const length = bytesOf(view);
  const offset = hasAt ? Math.floor(view.offset / ALIGNMENT) * ALIGNMENT : view.offset;
  const unit = unitOf(binding, view.dtype);
  const at = (view.offset - offset) / unit;
  const word = Math.max(4, binding.unit);
  const size = Math.max(word, Math.ceil((view.offset - offset + length) / word) * word);
  if (offset % ALIGNMENT !== 0 || !Number.isInteger(at)) {
    const begins = `${binding.name} begins at byte ${view.offset} of its buffer`;
    throw new ShapeError(
      'webgpu',
      `kernel ${kernel} takes no such place: ${begins}`,
      'copy the tensor first',
    );
  }
  if (size > maxBinding) {
    const what = `kernel ${kernel}: ${view.name ?? binding.name}, ${view.dtype} ${showShape(view.shape)}, has ${showBytes(size)}`;
    const allowed = `the adapter binds at most ${showBytes(maxBinding)} at once`;
    throw new LimitError(
      'maxStorageBufferBindingSize',
      `${what}; ${allowed}`,
      'use a smaller batch, a shorter row or a smaller model',
    );
  }
  return { slot: view.slot, offset, size, at };
}

/** A view that must be moved before the launch, and back after it where the kernel writes to it. */
export interface Move {
  readonly binding: BindingData;
  readonly view: View;
  /** Whole words around the view, in its slot. */
  readonly from: number;
  readonly bytes: number;
}

/**
 * Which views share a buffer so that WebGPU would refuse the launch: inputs in the buffer of an output, and outputs
 * whose bindings overlap.
 */
export function movesOf(
  { bindings }: ModuleData,
  tensors: Readonly<Record<string, View | undefined>>,
  places: readonly (Place | undefined)[],
): readonly Move[] {
  let moves: Move[] | undefined;
  for (let i = 0; i < bindings.length; i++) {
    const place = places[i];
    if (!place) continue;
    for (let j = 0; j < bindings.length; j++) {
      const other = places[j];
      if (i === j || !other || other.slot !== place.slot || !bindings[j]!.writes) continue;
      const apart = place.offset + place.size <= other.offset || other.offset + other.size <= place.offset;
      if (bindings[i]!.writes && (apart || i < j)) continue;
      moves ??= [];
      moves.push(moveOf(bindings[i]!, tensors[bindings[i]!.name]!));
      break;
    }
  }
  return moves ?? [];
}

function moveOf(binding: BindingData, view: View): Move {
  // From a multiple of 16, so that vectors stay aligned.
  const from = Math.floor(view.offset / 16) * 16;
  const end = view.offset + bytesOf(view);
  if (binding.writes && (view.offset % 4 !== 0 || end % 4 !== 0)) {
    const what = `two outputs share a word of memory, one is ${binding.name}`;
    throw new ShapeError('webgpu', what, 'give each its own tensor');
  }
  return { binding, view, from, bytes: Math.ceil(end / 4) * 4 - from };
}
