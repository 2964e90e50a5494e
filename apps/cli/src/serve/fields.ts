/** The fields of a request, each read once and by its type; what nobody read is refused by name. `null` is absent. */
import { nearestName } from '@qsparse/formats';
import { badField } from './api-error.ts';

export interface Range {
  readonly min?: number;
  readonly max?: number;
}

export interface Fields {
  /** As it is; undefined where it is absent or null. */
  value(name: string): unknown;
  integer(name: string, range?: Range): number | undefined;
  number(name: string, range?: Range): number | undefined;
  flag(name: string): boolean;
  text(name: string): string | undefined;
  object(name: string): Readonly<Record<string, unknown>> | undefined;
  /** Fields that clients send and that change nothing of the answer. */
  ignore(...names: readonly string[]): void;
  /** A field that would change the answer and is not supported: only values that mean nothing pass. */
  refuse(name: string, isNeutral: (value: unknown) => boolean, hint?: string): void;
  /** Throws for a field that was not read. */
  finish(): void;
}

/** Every function throws ApiError 400 that names the field. @param prefix of names in messages, `stream_options.` */
export function readFields(body: Readonly<Record<string, unknown>>, prefix = ''): Fields {
  const known = new Set<string>();
  const value = (name: string): unknown => {
    known.add(name);
    return Object.hasOwn(body, name) ? (body[name] ?? undefined) : undefined;
  };
  const fail = (name: string, rule: string, given: unknown): never => {
    throw badField(prefix + name, `must be ${rule}, got ${shown(given)}`, 'invalid_value');
  };
  const typed = <T>(name: string, rule: string, holds: (given: unknown) => given is T): T | undefined => {
    const given = value(name);
    return given === undefined || holds(given) ? given : fail(name, rule, given);
  };
  return {
    value,
    integer: (name, range = {}) =>
      typed(
        name,
        `a whole number${shownRange(range)}`,
        (given): given is number => Number.isSafeInteger(given) && isWithin(given as number, range),
      ),
    number: (name, range = {}) =>
      typed(
        name,
        `a number${shownRange(range)}`,
        (given): given is number => Number.isFinite(given) && isWithin(given as number, range),
      ),
    flag: (name) => typed(name, 'true or false', (given) => typeof given === 'boolean') ?? false,
    text: (name) => typed(name, 'a string', (given) => typeof given === 'string'),
    object: (name) => typed(name, 'an object', isObject),
    ignore(...names) {
      for (const name of names) known.add(name);
    },
    refuse(name, isNeutral, hint = 'leave it out') {
      const given = value(name);
      if (given === undefined || isNeutral(given)) return;
      throw badField(prefix + name, `is not supported; ${hint}`, 'unsupported_parameter');
    },
    finish() {
      for (const name of Object.keys(body)) {
        if (known.has(name)) continue;
        const near = nearestName(name, [...known]);
        const hint = near ? `did you mean ${near}?` : 'leave it out';
        throw badField(
          prefix + shown(name).slice(1, -1),
          `is not a known field; ${hint}`,
          'unknown_parameter',
        );
      }
    },
  };
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Of a list that is empty, or an object without keys. */
export function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** A value as a message may show it: one short line. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isObject(value)) return 'an object';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…${text.startsWith('"') ? '"' : ''}` : text;
}

const isWithin = (value: number, { min = -Infinity, max = Infinity }: Range): boolean =>
  value >= min && value <= max;

function shownRange({ min, max }: Range): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (min !== undefined) return ` of at least ${min}`;
  return max === undefined ? '' : ` of at most ${max}`;
}
