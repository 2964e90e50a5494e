// config.json and its neighbours (generation_config.json, tokenizer_config.json): text to a JSON object and back.
// What the keys mean is not known here.
import { show, showName } from './display.ts';
import { FormatError } from './errors.ts';
import { formatJson } from './json/format.ts';
import { type JsonObject, parseJson } from './json/parse.ts';
import { decodeUtf8 } from './utf8.ts';

/**
 * @param source the file's text or its UTF-8 bytes; a byte order mark is skipped
 * @param name the file's name, for messages
 * @throws FormatError `encoding`, `json`, `duplicate-key` or `too-deep` with line and column, `value` when the file
 * holds something else than an object.
 */
export function parseConfig(source: string | Uint8Array, name = 'config.json'): JsonObject {
  const text = typeof source === 'string' ? source.replace(/^\ufeff/, '') : decode(source, name);
  const value = parseJson(text, name, 'config');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const message = `[config] ${showName(name)}: the file must hold a JSON object, got ${show(value)}; put it in { }`;
    throw new FormatError('value', message, { file: name });
  }
  return value as JsonObject;
}

/**
 * Two spaces, keys in the given order (integer-like keys first), a newline at the end.
 * @throws FormatError `value` naming a key that JSON cannot hold (NaN, infinity, a function, a typed array).
 */
export function formatConfig(config: object): string {
  return formatJson(config, 'config');
}

function decode(bytes: Uint8Array, name: string): string {
  return decodeUtf8(bytes, { label: 'config', file: name, dropMark: true });
}
