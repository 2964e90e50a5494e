/** Flags that several benchmarks read. */
import type { Device } from '@qsparse/core';
import type { ComputeDType } from '@qsparse/layers';
import { type Arguments, UsageError } from '../command.ts';

/** Names with commas between them. Throws UsageError. */
export function list<T extends string>(
  name: string,
  { flags }: Arguments,
  known: readonly T[],
  usual: readonly T[],
): readonly T[] {
  const value = flags[name];
  if (typeof value !== 'string') return usual;
  return value.split(',').map((part) => {
    const found = known.find((one) => one === part.trim());
    if (found !== undefined) return found;
    throw new UsageError(`[bench] --${name} takes ${known.join(', ')}, got ${JSON.stringify(part)}`);
  });
}

/** Numbers with commas between them; `what` says which. Throws UsageError. */
export function numbers(
  name: string,
  { flags }: Arguments,
  usual: readonly number[],
  { what, allows }: { readonly what: string; readonly allows: (value: number) => boolean },
): readonly number[] {
  const value = flags[name];
  if (typeof value !== 'string') return usual;
  return value.split(',').map((text) => {
    const number = text.trim() === '' ? Number.NaN : Number(text);
    if (allows(number)) return number;
    throw new UsageError(`[bench] --${name} takes ${what}, got ${JSON.stringify(text)}`);
  });
}

/** Throws UsageError for a dtype that the device does not compute in. */
export function computeOf({ flags: { compute } }: Arguments, { name, caps }: Device): ComputeDType {
  if (compute === undefined) return caps.compute.includes('bf16') && !caps.float64 ? 'bf16' : 'f32';
  if ((compute === 'f32' || compute === 'bf16') && caps.compute.includes(compute)) return compute;
  const dtypes = caps.compute.join(' or ');
  throw new UsageError(`[bench] --compute on device ${name} must be ${dtypes}, got ${String(compute)}`);
}
