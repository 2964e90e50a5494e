/** JSON lines: one object a line. Blank lines are skipped. */
import { quoted, TextError } from '../errors.ts';
import { MAX_DOCUMENT_CHARACTERS } from './documents.ts';

/** Feeds on pieces of text of any size and gives what is complete. */
export interface LineParser<T> {
  push(text: string): T[];
  /** What is left; call once. */
  end(): T[];
}

/** Throws the error of the line, with this reason. */
export type FailLine = (what: string, hint?: string) => never;

/** Documents: the text of each line under one key; blank ones are left out. */
export function createJsonlParser(file: string, textKey: string): LineParser<string> {
  return createObjectParser(file, (value, _line, fail) => {
    const document = textOf(value, textKey, fail);
    return document.trim() === '' ? [] : [document];
  });
}

/** What `take` makes of each line's object. */
export function createObjectParser<T>(
  file: string,
  take: (value: object, line: number, fail: FailLine) => T[],
): LineParser<T> {
  let rest = '';
  let line = 0;

  const parse = (text: string): T[] => {
    line++;
    if (text.trim() === '') return [];
    const fail: FailLine = (what, hint) => {
      throw new TextError('jsonl', { file, line }, what, hint);
    };
    return take(objectOf(text, fail), line, fail);
  };

  return {
    push(text) {
      // Only what came now can hold a newline: what is left over never does.
      const lines = text.split('\n');
      lines[0] = rest + lines[0]!;
      rest = lines.pop()!;
      if (rest.length > MAX_DOCUMENT_CHARACTERS) {
        const what = `longer than ${MAX_DOCUMENT_CHARACTERS} characters`;
        throw new TextError('too-long', { file, line: line + lines.length + 1 }, what, 'split the document');
      }
      return lines.flatMap(parse);
    },
    end() {
      const last = rest;
      rest = '';
      return parse(last);
    },
  };
}

function objectOf(line: string, fail: FailLine): object {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return fail(
      `not valid JSON (${error instanceof Error ? error.message : 'unreadable'})`,
      'one JSON object a line',
    );
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const what = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`;
    return fail(`a line must be a JSON object, got ${what}`, 'write {"text": "…"}');
  }
  return value;
}

function textOf(value: object, key: string, fail: FailLine): string {
  if (!Object.hasOwn(value, key)) {
    const keys = Object.keys(value).slice(0, 8).map(quoted).join(', ');
    return fail(`no key ${quoted(key)}`, keys ? `set textKey to one of ${keys}` : 'the object is empty');
  }
  const text: unknown = Reflect.get(value, key);
  if (typeof text === 'string') return text;
  return fail(
    `key ${quoted(key)} must hold a string, got ${text === null ? 'null' : typeof text}`,
    'set textKey',
  );
}
