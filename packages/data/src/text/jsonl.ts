/** JSON lines to documents: one object a line, its text under one key. Blank lines are skipped. */
import { quoted, TextError } from '../errors.ts';
import { type DocumentParser, MAX_DOCUMENT_CHARACTERS } from './documents.ts';

export function createJsonlParser(file: string, textKey: string): DocumentParser {
  let rest = '';
  let line = 0;

  const parse = (text: string): string[] => {
    line++;
    if (text.trim() === '') return [];
    const document = textOf(text, textKey, (what, hint) => {
      throw new TextError('jsonl', { file, line }, what, hint);
    });
    return document.trim() === '' ? [] : [document];
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

function textOf(line: string, key: string, fail: (what: string, hint: string) => never): string {
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
    return fail(`a line must be a JSON object, got ${what}`, `write {${JSON.stringify(key)}: "…"}`);
  }
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
