// Values of a GGUF file's metadata, each with the type that it has in the file: what is read can be written again bit by
// bit, and llama.cpp refuses a key of another type.
import type { DtypeArray } from '../safetensors/dtype.ts';

export type GgufNumberType = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'f32' | 'f64';
export type GgufBigType = 'u64' | 'i64';
export type GgufValueType = GgufNumberType | GgufBigType | 'bool' | 'string' | 'array';

/** Types of which an array is a typed array; bool as 0 and 1. */
export type GgufPackedType = GgufNumberType | GgufBigType | 'bool';

/** Arrays hold one type; arrays in arrays may hold different ones. */
export type GgufArray =
  | {
      [T in GgufPackedType]: {
        readonly type: 'array';
        readonly of: T;
        readonly value: DtypeArray<T>;
      };
    }[GgufPackedType]
  | { readonly type: 'array'; readonly of: 'string'; readonly value: readonly string[] }
  | { readonly type: 'array'; readonly of: 'array'; readonly value: readonly GgufArray[] };

export type GgufValue =
  | { readonly type: GgufNumberType; readonly value: number }
  | { readonly type: GgufBigType; readonly value: bigint }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | GgufArray;

/** In the order of their numbers in files. */
export const VALUE_TYPES: readonly GgufValueType[] = [
  'u8',
  'i8',
  'u16',
  'i16',
  'u32',
  'i32',
  'f32',
  'bool',
  'string',
  'array',
  'u64',
  'i64',
  'f64',
];

/** The key that holds the alignment of tensors, a u32. */
export const ALIGNMENT_KEY = 'general.alignment';

/** What stands for it where it is absent. */
export const DEFAULT_ALIGNMENT = 32;

/** Levels of arrays in arrays; deeper ones are refused in both directions. */
export const MAX_ARRAY_DEPTH = 4;

/** Powers of two from 8, as the format has it, to 64 KiB, beyond which padding would be all of a file. */
export function isAlignment(value: number): boolean {
  return Number.isInteger(value) && value >= 8 && value <= 65_536 && Math.log2(value) % 1 === 0;
}

/** The next multiple of the alignment. */
export function alignUp(bytes: number, alignment: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}
