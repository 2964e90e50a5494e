// A JSON reader for files that people edit and strangers send: it names line and column, refuses duplicate keys
// (which JSON.parse hides) and unpaired surrogates (which no UTF-8 file can hold), and bounds the depth.
// It accepts nothing that JSON.parse would refuse.
import { show, showName } from '../display.ts';
import { FormatError, type FormatErrorCode } from '../errors.ts';
import { hasLoneSurrogate } from '../utf8.ts';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** Deeper than any configuration goes, shallow enough for every engine's call stack. */
export const MAX_JSON_DEPTH = 128;

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WHITESPACE = /[ \t\n\r]*/y;
// From the space on, without " and \.
const PLAIN = /[ !#-[\]-\uffff]*/y;
const HEX = /[0-9a-fA-F]{4}/y;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};
const LITERALS: readonly (readonly [string, JsonValue])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

/** What downloads leave in place of the file that was meant. */
const NO_JSON: readonly (readonly [start: string, what: string, advice: string])[] = [
  ['<', 'a web page', 'download the file itself; a page may mean a wrong address or that a login is needed'],
  ['version https://git-lfs', 'a Git LFS pointer', 'fetch the file it stands for with `git lfs pull`'],
];

/**
 * Reads one JSON value.
 * @param name the file's name, for messages
 * @param label stands in square brackets at the start of messages
 * @throws FormatError `json`, `duplicate-key` or `too-deep`, with line and column (both from 1, in characters).
 */
export function parseJson(text: string, name = 'JSON text', label = 'json'): JsonValue {
  const parser = new JsonParser(text, name, label);
  return parser.document();
}

class JsonParser {
  readonly #text: string;
  readonly #name: string;
  readonly #label: string;
  #at = 0;

  constructor(text: string, name: string, label: string) {
    this.#text = text;
    this.#name = name;
    this.#label = label;
  }

  document(): JsonValue {
    this.#skipWhitespace();
    if (this.#at === this.#text.length)
      throw this.#error('json', 'a JSON value is required, the text is empty');
    for (const [start, what, advice] of NO_JSON) {
      if (this.#text.startsWith(start, this.#at))
        throw this.#error('json', `JSON is required, this is ${what}`, { advice });
    }
    const value = this.#value(0);
    this.#skipWhitespace();
    if (this.#at < this.#text.length) throw this.#unexpected('the end');
    return value;
  }

  #value(depth: number): JsonValue {
    const first = this.#text[this.#at];
    if (first === '"') return this.#string();
    if (first === '{' || first === '[') {
      if (depth === MAX_JSON_DEPTH) {
        throw this.#error('too-deep', `at most ${MAX_JSON_DEPTH} levels of brackets are read`);
      }
      return first === '{' ? this.#object(depth + 1) : this.#array(depth + 1);
    }
    for (const [word, value] of LITERALS) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    return this.#number();
  }

  #number(): number {
    const digits = this.#match(NUMBER);
    if (digits === '') throw this.#unexpected('a value');
    const value = Number(digits);
    if (!Number.isFinite(value)) {
      this.#at -= digits.length;
      throw this.#error('json', `${show(digits)} is beyond the range of numbers`);
    }
    return value;
  }

  #string(): string {
    const start = this.#at;
    this.#at += 1;
    let value = this.#match(PLAIN);
    while (this.#text[this.#at] !== '"') {
      if (this.#text[this.#at] !== '\\') throw this.#unexpected('a closing quotation mark');
      this.#at += 1;
      value += this.#escape();
      value += this.#match(PLAIN);
    }
    this.#at += 1;
    if (hasLoneSurrogate(value)) {
      this.#at = start;
      throw this.#error('json', `the string ${show(value)} holds half of a surrogate pair`);
    }
    return value;
  }

  #escape(): string {
    const letter = this.#text[this.#at] ?? '';
    if (letter === 'u') {
      this.#at += 1;
      const digits = this.#match(HEX);
      if (digits === '') throw this.#unexpected('four hexadecimal digits');
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const character = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
    if (character === undefined) throw this.#unexpected('one of " \\ / b f n r t u after a backslash');
    this.#at += 1;
    return character;
  }

  #array(depth: number): JsonValue[] {
    const items: JsonValue[] = [];
    this.#at += 1;
    this.#skipWhitespace();
    if (this.#take(']')) return items;
    while (true) {
      this.#skipWhitespace();
      items.push(this.#value(depth));
      this.#skipWhitespace();
      if (this.#take(']')) return items;
      if (!this.#take(',')) throw this.#unexpected('"," or "]"');
    }
  }

  #object(depth: number): JsonObject {
    const object: Record<string, JsonValue> = {};
    this.#at += 1;
    this.#skipWhitespace();
    if (this.#take('}')) return object;
    while (true) {
      this.#skipWhitespace();
      const keyAt = this.#at;
      if (this.#text[keyAt] !== '"') throw this.#unexpected('a key in quotation marks');
      const key = this.#string();
      if (Object.hasOwn(object, key)) {
        this.#at = keyAt;
        throw this.#error('duplicate-key', `every key may stand once, ${show(key)} stands twice`, { key });
      }
      this.#skipWhitespace();
      if (!this.#take(':')) throw this.#unexpected('":"');
      this.#skipWhitespace();
      const value = this.#value(depth);
      // A plain assignment to __proto__ would change the prototype instead of adding a key.
      if (key === '__proto__') {
        Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
      } else object[key] = value;
      this.#skipWhitespace();
      if (this.#take('}')) return object;
      if (!this.#take(',')) throw this.#unexpected('"," or "}"');
    }
  }

  #skipWhitespace(): void {
    const code = this.#text.charCodeAt(this.#at);
    if (code === 32 || (code <= 13 && code >= 9)) this.#match(WHITESPACE);
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }

  #unexpected(required: string): FormatError {
    if (this.#at >= this.#text.length) return this.#error('json', `${required} is required, the text ends`);
    return this.#error(
      'json',
      `${required} is required, got ${show(this.#text.slice(this.#at, this.#at + 12))}`,
    );
  }

  #error(
    code: FormatErrorCode,
    problem: string,
    { key, advice = 'correct the text there' }: { readonly key?: string; readonly advice?: string } = {},
  ): FormatError {
    const { line, column } = positionOf(this.#text, this.#at);
    return new FormatError(
      code,
      `[${this.#label}] ${showName(this.#name)}, line ${line}, column ${column}: ${problem}; ${advice}`,
      { file: this.#name, key },
    );
  }
}

/** Counted without splitting: a header of 100 MB is one line. */
function positionOf(text: string, offset: number): { line: number; column: number } {
  let line = 1;
  let column = 1;
  for (let at = 0; at < offset; at++) {
    const code = text.charCodeAt(at);
    if (code === 10) {
      line += 1;
      column = 1;
    } else if (code < 0xdc00 || code > 0xdfff) column += 1;
  }
  return { line, column };
}
