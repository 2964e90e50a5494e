// Typed getters over a parsed JSON object, with errors that name the key: a config's schema written as code.
// It knows no model; it never changes the object. A key that holds null counts as absent.
import { show } from '../display.ts';
import { FormatError } from '../errors.ts';
import { didYouMean, rejectUnknown } from './nearest-name.ts';

/** What to return when the key is absent or null; without it such a key is an error. */
export interface Fallback<F> {
  readonly fallback?: F;
}

/** Both ends belong to the range. */
export interface NumberRange {
  readonly min?: number;
  readonly max?: number;
}

/** Every getter throws FormatError: `missing-key` without a fallback, `value` for another type or range. */
export interface ObjectReader {
  /** Stands in square brackets in messages. */
  readonly label: string;
  /** Keys in the order of the file; an object's integer-like keys come first. */
  keys(): string[];
  /** Present, and not null. */
  has(key: string): boolean;
  /** The value as it was parsed; undefined when absent or null. */
  get(key: string): unknown;
  /** A whole number that a JavaScript number holds exactly. */
  integer<F = never>(key: string, options?: NumberRange & Fallback<F>): number | F;
  /** A whole number of at least 1: sizes and counts. */
  positiveInteger<F = never>(key: string, options?: Fallback<F>): number | F;
  /** A finite number. */
  number<F = never>(key: string, options?: NumberRange & Fallback<F>): number | F;
  boolean<F = never>(key: string, options?: Fallback<F>): boolean | F;
  string<F = never>(key: string, options?: Fallback<F>): string | F;
  /** One of a list of strings. */
  oneOf<const C extends string, F = never>(key: string, choices: readonly C[], options?: Fallback<F>): C | F;
  /** An object, with the key in front of its own keys in messages. */
  object<F = never>(key: string, options?: Fallback<F>): ObjectReader | F;
  array<F = never>(key: string, options?: Fallback<F>): readonly unknown[] | F;
  strings<F = never>(key: string, options?: Fallback<F>): readonly string[] | F;
  integers<F = never>(key: string, options?: NumberRange & Fallback<F>): readonly number[] | F;
  /** An array of objects; items are named `added_tokens.3`. */
  objects<F = never>(key: string, options?: Fallback<F>): readonly ObjectReader[] | F;
  /** Throws at the first key that is not in the list. */
  rejectUnknown(known: readonly string[]): void;
  /** The error for a rule of the caller's own, in the form of this reader's errors. */
  invalid(key: string, requirement: string): FormatError;
}

/**
 * @param source a parsed JSON object (or any plain object)
 * @param label stands in square brackets in messages: `[config] "hidden_size" must be …`
 * @param prefix stands before every key in messages: `rope_scaling.`
 * @throws FormatError `value` when source is not an object.
 */
export function readObject(source: unknown, label: string, prefix = ''): ObjectReader {
  if (typeof source !== 'object' || source === null || Array.isArray(source)) {
    const what = prefix === '' ? 'it' : show(prefix.slice(0, -1));
    throw new FormatError(
      'value',
      `[${label}] ${what} must be a JSON object, got ${show(source)}; correct it`,
      {
        key: prefix.slice(0, -1),
      },
    );
  }
  const values = source as Record<string, unknown>;

  function get(key: string): unknown {
    return Object.hasOwn(values, key) && values[key] !== null ? values[key] : undefined;
  }
  function invalid(key: string, requirement: string): FormatError {
    const path = prefix + key;
    const message = `[${label}] ${show(path)} must be ${requirement}, got ${show(get(key))}; correct it`;
    return new FormatError('value', message, { key: path });
  }
  function read<T, F>(
    key: string,
    requirement: string,
    accepts: (value: unknown) => value is T,
    options: Fallback<F> | undefined,
  ): T | F {
    const value = get(key);
    if (value === undefined) {
      if (options !== undefined && 'fallback' in options) return options.fallback as F;
      const path = prefix + key;
      const near = didYouMean(key, Object.keys(values)) || '; add it';
      const message = `[${label}] ${show(path)} is required (${requirement}), but it is missing${near}`;
      throw new FormatError('missing-key', message, { key: path });
    }
    if (!accepts(value)) throw invalid(key, requirement);
    return value;
  }

  return {
    label,
    keys: () => Object.keys(values),
    has: (key) => get(key) !== undefined,
    get,
    integer: (key, options) =>
      read(
        key,
        `an integer${inWords(options)}`,
        (v): v is number => isInteger(v) && inRange(v, options),
        options,
      ),
    positiveInteger: (key, options) =>
      read(key, 'a positive integer', (v): v is number => isInteger(v) && v > 0, options),
    number: (key, options) =>
      read(
        key,
        `a number${inWords(options)}`,
        (v): v is number => isNumber(v) && inRange(v, options),
        options,
      ),
    boolean: (key, options) =>
      read(key, 'true or false', (v): v is boolean => typeof v === 'boolean', options),
    string: (key, options) => read(key, 'a string', isString, options),
    oneOf<const C extends string, F>(key: string, choices: readonly C[], options?: Fallback<F>) {
      const requirement = `one of ${choices.map(show).join(', ')}`;
      return read(key, requirement, (v): v is C => (choices as readonly unknown[]).includes(v), options);
    },
    object<F>(key: string, options?: Fallback<F>) {
      const value = read(key, 'an object', isObject, options);
      return get(key) === undefined ? (value as F) : readObject(value, label, `${prefix}${key}.`);
    },
    array: (key, options) => read(key, 'an array', isArray, options),
    strings: (key, options) =>
      read(key, 'an array of strings', (v): v is string[] => isArray(v) && v.every(isString), options),
    integers: (key, options) =>
      read(
        key,
        `an array of integers${inWords(options)}`,
        (v): v is number[] => isArray(v) && v.every((item) => isInteger(item) && inRange(item, options)),
        options,
      ),
    objects<F>(key: string, options?: Fallback<F>) {
      const items = read(key, 'an array of objects', isArray, options);
      if (get(key) === undefined) return items as F;
      return (items as readonly unknown[]).map((item, index) =>
        readObject(item, label, `${prefix}${key}.${index}.`),
      );
    },
    rejectUnknown: (known) => rejectUnknown(Object.keys(values), known, label, prefix),
    invalid,
  };
}

const isArray = (value: unknown): value is readonly unknown[] => Array.isArray(value);
const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);
const isNumber = (value: unknown): value is number => Number.isFinite(value);
const isString = (value: unknown): value is string => typeof value === 'string';
const isObject = (value: unknown): value is object => typeof value === 'object' && !Array.isArray(value);

function inRange(value: number, range: NumberRange | undefined): boolean {
  return value >= (range?.min ?? -Infinity) && value <= (range?.max ?? Infinity);
}

function inWords(range: NumberRange | undefined): string {
  const { min, max } = range ?? {};
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (min !== undefined) return ` of at least ${min}`;
  return max === undefined ? '' : ` of at most ${max}`;
}
