// Plain values to JSON text: keys in the order given, two spaces, a newline at the end. What JSON would lose
// silently (NaN, infinity, functions, class instances) is an error here.
import { show } from '../display.ts';
import { FormatError } from '../errors.ts';
import { hasLoneSurrogate } from '../utf8.ts';
import { MAX_JSON_DEPTH } from './parse.ts';

/**
 * Formats plain objects, arrays, strings, finite numbers, booleans and null; a Map with string keys is written as an
 * object in the Map's own order. An object property that is `undefined` is left out.
 * An object's integer-like keys ("0", "12") come first, as in every JavaScript object: use a Map where that matters.
 * @param label stands in square brackets at the start of messages
 * @throws FormatError `value` or `too-deep`, naming the key.
 */
export function formatJson(value: unknown, label = 'json'): string {
  return `${format(value, '', { label, path: [] })}\n`;
}

interface Place {
  readonly label: string;
  readonly path: (string | number)[];
}

function format(value: unknown, indent: string, place: Place): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return formatString(value, place);
  if (typeof value === 'number' && Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
  if (place.path.length >= MAX_JSON_DEPTH) {
    const problem = `at most ${MAX_JSON_DEPTH} levels can be written; is there a cycle?`;
    throw new FormatError('too-deep', `[${place.label}] ${problem}`);
  }
  if (Array.isArray(value)) {
    return bracket('[', ']', indent, formatItems(value, indent, place));
  }
  if (value instanceof Map) return bracket('{', '}', indent, formatEntries(value, indent, place));
  if (isPlainObject(value))
    return bracket('{', '}', indent, formatEntries(Object.entries(value), indent, place));
  throw valueError(value, place);
}

function formatItems(items: readonly unknown[], indent: string, place: Place): string[] {
  // Array.from also visits the holes of a sparse array, which are refused like undefined.
  return Array.from(items, (item, index) => {
    place.path.push(index);
    const text = format(item, `${indent}  `, place);
    place.path.pop();
    return text;
  });
}

function formatEntries(entries: Iterable<[unknown, unknown]>, indent: string, place: Place): string[] {
  const parts: string[] = [];
  for (const [key, value] of entries) {
    if (value === undefined) continue;
    if (typeof key !== 'string') throw valueError(key, place);
    place.path.push(key);
    parts.push(`${formatString(key, place)}: ${format(value, `${indent}  `, place)}`);
    place.path.pop();
  }
  return parts;
}

function formatString(text: string, place: Place): string {
  if (hasLoneSurrogate(text)) throw valueError(text, place);
  return JSON.stringify(text);
}

function bracket(open: string, close: string, indent: string, parts: readonly string[]): string {
  if (parts.length === 0) return open + close;
  return `${open}\n${indent}  ${parts.join(`,\n${indent}  `)}\n${indent}${close}`;
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function valueError(value: unknown, place: Place): FormatError {
  const key = place.path.join('.');
  const where = key === '' ? 'the value' : show(key);
  return new FormatError(
    'value',
    `[${place.label}] ${where} must be something that JSON can hold, got ${show(value)}; ` +
      'use plain objects, arrays, well-formed strings, finite numbers, booleans or null',
    { key },
  );
}
