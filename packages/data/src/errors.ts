/**
 * Every failure this package raises on purpose. A message is one line: `[function] what is required, what came;
 * what to do`. `code` is stable and made for programs. An aborted call throws the signal's own reason instead.
 */
export type DataErrorCode =
  /** There is no file of that name. */
  | 'file-not-found'
  /** The file, or its folder, may not be read. */
  | 'file-access'
  /** Reading failed: a folder in place of a file, a broken stream, a full disk behind a pipe. */
  | 'file-read'
  /** The name's ending says nothing about the format, or the format cannot be read here. */
  | 'file-format'
  /** Truncated or corrupt gzip or brotli. */
  | 'compression'
  /** NUL bytes or invalid UTF-8. */
  | 'not-text'
  /** A line of a JSONL file that is not an object with the text key. */
  | 'jsonl'
  /** No text at all. */
  | 'empty'
  /** One document or line that a JavaScript string cannot hold. */
  | 'too-long'
  /** A tokenizer.json that is malformed, or of a form this package does not read. */
  | 'tokenizer-json'
  /** No chat template, one that is not Jinja, or messages that it refuses. */
  | 'chat-template'
  /** A vocabulary size, special token or token id that does not fit. */
  | 'vocabulary'
  /** Too few tokens for what was asked. */
  | 'too-short'
  /** A position that does not belong to this data. */
  | 'position'
  /** An option outside its range. */
  | 'value';

export class DataError extends Error {
  readonly code: DataErrorCode;
  readonly where: string;
  readonly hint: string;

  constructor(code: DataErrorCode, where: string, what: string, hint = '', cause?: unknown) {
    super(
      oneLine(`[${where}] ${what}${hint ? `; ${hint}` : ''}`),
      cause === undefined ? undefined : { cause },
    );
    this.name = new.target.name;
    this.code = code;
    this.where = where;
    this.hint = hint;
  }
}

export interface TextPlace {
  /** Name of the file or source, as it was given. */
  readonly file: string;
  /** 1-based line, for JSONL. */
  readonly line?: number;
  /** 0-based offset in the text's bytes, after decompression. */
  readonly byte?: number;
}

/** Text that cannot be read; says in which file and, where known, at which line or byte. */
export class TextError extends DataError {
  readonly file: string;
  readonly line: number | undefined;
  readonly byte: number | undefined;

  constructor(code: DataErrorCode, place: TextPlace, what: string, hint = '', cause?: unknown) {
    const line = place.line === undefined ? '' : `, line ${place.line}`;
    super(code, 'readDocuments', `${place.file}${line}: ${what}`, hint, cause);
    this.file = place.file;
    this.line = place.line;
    this.byte = place.byte;
  }
}

/** A tokenizer that cannot be made, loaded or used as asked. */
export class TokenizerError extends DataError {}

/** Tokens that cannot be packed as asked. */
export class PackingError extends DataError {}

/** Names, keys and parser messages come from outside: none may break the line, steer a terminal or turn the text around. */
function oneLine(message: string): string {
  return message.replace(/[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu, ' ');
}

/** Text from outside, quoted and short enough for a message. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

/** Throws unless `value` is an integer within the bounds. */
export function requireInteger(where: string, name: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new DataError(
      'value',
      where,
      `${name} must be an integer from ${low} to ${high}, got ${String(value)}`,
    );
  }
}
