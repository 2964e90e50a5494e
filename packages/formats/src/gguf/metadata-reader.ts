// Typed getters over a GGUF file's metadata, with errors that name the key. Writers differ in the integer type that they
// choose, so that every one is taken where its value fits.
import { show, showName } from '../display.ts';
import { FormatError, type FormatErrorCode } from '../errors.ts';
import { didYouMean } from '../json/nearest-name.ts';
import type { GgufValue } from './values.ts';

/** What to return when the key is absent; without it such a key is an error. */
interface Fallback<F> {
  readonly fallback: F;
}

/** Every getter throws FormatError: `missing-key` without a fallback, `value` for another type. */
export interface MetadataReader {
  has(key: string): boolean;
  string<F = never>(key: string, options?: Fallback<F>): string | F;
  boolean<F = never>(key: string, options?: Fallback<F>): boolean | F;
  /** An integer from 0 up to 2^53 - 1. */
  count<F = never>(key: string, options?: Fallback<F>): number | F;
  /** A finite number; of an f32 the shortest decimal that is that f32, so that 1e-5 comes back as 1e-5. */
  number<F = never>(key: string, options?: Fallback<F>): number | F;
  strings<F = never>(key: string, options?: Fallback<F>): readonly string[] | F;
  /** An array of integers of one of the types of at most 32 bits. */
  integers<F = never>(key: string, options?: Fallback<F>): readonly number[] | F;
  /** An array of finite numbers. */
  numbers<F = never>(key: string, options?: Fallback<F>): ArrayLike<number> | F;
  /** The error for a rule of the caller's own. @param advice what to do; default: convert the model again */
  invalid(key: string, requirement: string, advice?: string): FormatError;
}

export function readMetadata(metadata: ReadonlyMap<string, GgufValue>, file: string): MetadataReader {
  const error = (code: FormatErrorCode, key: string, problem: string): FormatError =>
    new FormatError(code, `[gguf] ${showName(file)}, key ${show(key)}: ${problem}`, { file, key });

  function invalid(key: string, requirement: string, advice = 'convert the model again'): FormatError {
    return error('value', key, `${requirement} is required, got ${shown(metadata.get(key))}; ${advice}`);
  }

  function read<T, F>(
    key: string,
    requirement: string,
    parse: (value: GgufValue) => T | undefined,
    options: Fallback<F> | undefined,
  ): T | F {
    const value = metadata.get(key);
    if (value === undefined) {
      if (options) return options.fallback;
      const near = didYouMean(key, metadata.keys()) || '; convert the model again';
      throw error('missing-key', key, `${requirement} is required, the file has no such key${near}`);
    }
    const parsed = parse(value);
    if (parsed === undefined) throw invalid(key, requirement);
    return parsed;
  }

  return {
    has: (key) => metadata.has(key),
    string: (key, options) =>
      read(key, 'text', (value) => (value.type === 'string' ? value.value : undefined), options),
    boolean: (key, options) =>
      read(key, 'true or false', (value) => (value.type === 'bool' ? value.value : undefined), options),
    count: (key, options) => read(key, 'an integer of at least 0', countOf, options),
    number: (key, options) => read(key, 'a finite number', numberOf, options),
    strings: (key, options) =>
      read(
        key,
        'an array of text',
        (v) => (v.type === 'array' && v.of === 'string' ? v.value : undefined),
        options,
      ),
    integers: (key, options) => read(key, 'an array of integers', integersOf, options),
    numbers: (key, options) => read(key, 'an array of finite numbers', numbersOf, options),
    invalid,
  };
}

function countOf({ type, value }: GgufValue): number | undefined {
  if (type === 'bool' || type === 'string' || type === 'array' || type === 'f32' || type === 'f64')
    return undefined;
  const count = Number(value);
  return Number.isSafeInteger(count) && count >= 0 ? count : undefined;
}

function numberOf(value: GgufValue): number | undefined {
  if (value.type !== 'f32' && value.type !== 'f64') return countOf(value);
  if (!Number.isFinite(value.value)) return undefined;
  return value.type === 'f64' ? value.value : shortestDecimal(value.value);
}

function integersOf(value: GgufValue): readonly number[] | undefined {
  if (value.type !== 'array') return undefined;
  switch (value.of) {
    case 'u8':
    case 'i8':
    case 'u16':
    case 'i16':
    case 'u32':
    case 'i32':
      return Array.from(value.value);
    default:
      return undefined;
  }
}

function numbersOf(value: GgufValue): ArrayLike<number> | undefined {
  if (value.type !== 'array') return undefined;
  if (value.of !== 'f32' && value.of !== 'f64') return integersOf(value);
  return value.value.every(Number.isFinite) ? value.value : undefined;
}

/** Nine digits tell all float32 apart. */
function shortestDecimal(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const decimal = Number(value.toPrecision(digits));
    if (Math.fround(decimal) === value) return decimal;
  }
  return value;
}

function shown(value: GgufValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (value.type === 'array') return `an array of ${value.value.length} (${value.of})`;
  return `${typeof value.value === 'bigint' ? value.value : show(value.value)} (${value.type})`;
}
