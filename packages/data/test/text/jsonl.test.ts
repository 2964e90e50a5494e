import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createJsonlParser } from '../../src/text/jsonl.ts';
import { anyText } from '../any-text.ts';

function documents(pieces: readonly string[], key = 'text'): string[] {
  const parser = createJsonlParser('a.jsonl', key);
  return [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()];
}

describe('createJsonlParser', () => {
  it('gives back what was written, wherever the text is cut', () => {
    const texts = fc.array(
      anyText(20).filter((text) => text.trim() !== ''),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(
        texts,
        fc.constantFrom('\n', '\r\n', '\n\n', '\n \n'),
        fc.integer({ min: 1, max: 9 }),
        (given, newline, size) => {
          const file = given.map((text, id) => JSON.stringify({ id, text }) + newline).join('');
          const pieces = file.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
          expect(documents(pieces)).toEqual(given);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('reads another key, also one that every object has', () => {
    expect(documents(['{"body": "a"}\n{"body": "b"}'], 'body')).toEqual(['a', 'b']);
    expect(documents(['{"__proto__": "a"}'], '__proto__')).toEqual(['a']);
    expect(() => documents(['{"text": "a"}'], 'toString')).toThrow(/no key "toString"/);
  });

  it('leaves out documents without text', () => {
    expect(documents(['{"text": ""}\n{"text": " \\n"}\n{"text": "a"}'])).toEqual(['a']);
  });

  it.each([
    ['{"text": "a"', /line 3: not valid JSON \(.*\); one JSON object a line$/],
    ['{"text": "a"} x', /line 3: not valid JSON/],
    ['["a"]', /line 3: a line must be a JSON object, got an array; write {"text": "…"}$/],
    ['null', /line 3: a line must be a JSON object, got null/],
    ['"a"', /line 3: a line must be a JSON object, got a string/],
    ['{"Text": "a", "id": 1}', /line 3: no key "text"; set textKey to one of "Text", "id"$/],
    ['{}', /line 3: no key "text"; the object is empty$/],
    ['{"text": 5}', /line 3: key "text" must hold a string, got number/],
    ['{"text": null}', /line 3: key "text" must hold a string, got null/],
    ['{"text": {"a": "b"}}', /line 3: key "text" must hold a string, got object/],
  ])('names the line of %s', (line, message) => {
    const file = `{"text": "a"}\n\n${line}`;
    for (const pieces of [[file], [`${file}\n`], [...file]]) {
      expect(() => documents(pieces)).toThrow(
        expect.objectContaining({
          code: 'jsonl',
          file: 'a.jsonl',
          line: 3,
          message: expect.stringMatching(message),
        }),
      );
    }
  });
});
