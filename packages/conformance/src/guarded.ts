/**
 * Tensors with guards: each lies in the middle of a larger tensor, and what is around it must not change. Outputs are
 * poisoned first, so that an element nobody wrote is seen.
 */
import {
  type Device,
  type DType,
  empty,
  section,
  sizeOf,
  type Tensor,
  type Type,
  write,
} from '@qsparse/core';
import type { Values } from './op-case.ts';

/** What guards hold: exact in every dtype, and nothing that a kernel is likely to write. */
const GUARD: Readonly<Record<Exclude<DType, 'ternary'>, number>> = {
  f32: -7936,
  bf16: -7936,
  i32: -77777,
  i8: -77,
};
const POISON: typeof GUARD = { f32: Number.NaN, bf16: Number.NaN, i32: -55555, i8: -55 };

/** Bytes before and after: what every backend can bind at, so that `shift` alone decides about alignment. */
const GUARD_BYTES = 256;

export interface Guarded {
  readonly tensor: Tensor;
  /** Reads the tensor; throws when a guard was overwritten. */
  read(what: string): Promise<ArrayLike<number>>;
  dispose(): void;
}

/** `shift`: elements by which it is out of alignment. */
export function guardedValues(device: Device, values: Values, shift: number): Guarded {
  return guarded(device, values, values.elements, shift);
}

export function guardedPoison(device: Device, type: Type, shift: number): Guarded {
  const poison = POISON[type.dtype as keyof typeof POISON];
  return guarded(device, type, new Float64Array(sizeOf(type.shape)).fill(poison), shift);
}

function guarded(device: Device, { dtype, shape }: Type, elements: Float64Array, shift: number): Guarded {
  const guard = GUARD[dtype as keyof typeof GUARD];
  const margin = dtype === 'i8' ? GUARD_BYTES : dtype === 'bf16' ? GUARD_BYTES / 2 : GUARD_BYTES / 4;
  const before = margin + shift;
  const all = new Float64Array(before + elements.length + margin).fill(guard);
  all.set(elements, before);
  const whole = empty(device, dtype, [all.length]);
  write(whole, all);
  const tensor = section(whole, before, shape);
  return {
    tensor,
    async read(what) {
      const now = await whole.data();
      for (let i = 0; i < now.length; i++) {
        if (i >= before && i < before + elements.length) continue;
        if (now[i] !== guard) {
          throw new Error(`${what}: element ${i - before} was written, it has ${elements.length} elements`);
        }
      }
      return now.subarray(before, before + elements.length);
    },
    dispose() {
      tensor.dispose();
      whole.dispose();
    },
  };
}

/** Leaves freed memory full of NaN, so that an op that trusts fresh memory is seen. */
export function dirtyPool(device: Device, sizes: readonly number[]): void {
  const made = sizes.flatMap((size) => Array.from({ length: 3 }, () => empty(device, 'f32', [size])));
  for (const tensor of made) write(tensor, new Float32Array(tensor.size).fill(Number.NaN));
  for (const tensor of made) tensor.dispose();
}
