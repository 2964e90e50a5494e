import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDocumentParser, MAX_DOCUMENT_CHARACTERS } from '../../src/text/documents.ts';

const SEPARATOR = '<|endoftext|>';

function documents(pieces: readonly string[], separator: string | null = SEPARATOR): string[] {
  const parser = createDocumentParser('a.txt', separator);
  return [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()];
}

/** The same by lines, plainly. */
function expected(text: string, separator: string): string[] {
  const found: string[] = [];
  let current = '';
  for (const line of text.split(/(?<=\n)/)) {
    if (line.replace(/\r?\n$|\r$/, '') === separator && line.startsWith(separator)) {
      found.push(current);
      current = '';
    } else current += line;
  }
  return [...found, current].filter((document) => document.trim() !== '');
}

describe('createDocumentParser', () => {
  it('cuts at separator lines alone', () => {
    const text = `one\n${SEPARATOR}\ntwo ${SEPARATOR}\n${SEPARATOR} three\r\n${SEPARATOR}\r\n\n${SEPARATOR}\nfour`;
    expect(documents([text])).toEqual(['one\n', `two ${SEPARATOR}\n${SEPARATOR} three\r\n`, 'four']);
  });

  it('takes a separator as the last line, with and without its newline', () => {
    for (const end of ['', '\n', '\r', '\r\n'])
      expect(documents([`one\n${SEPARATOR}${end}`])).toEqual(['one\n']);
  });

  it('gives the same wherever the text is cut', () => {
    const piece = fc.constantFrom('a', 'b c', '\n', '\n', '\r\n', '\r', ' ', '##', '##', '#', '\n##\n');
    fc.assert(
      fc.property(
        fc.array(
          fc.array(piece, { maxLength: 6 }).map((list) => list.join('')),
          { maxLength: 8 },
        ),
        (pieces) => {
          expect(documents(pieces, '##')).toEqual(expected(pieces.join(''), '##'));
        },
      ),
      { numRuns: 800 },
    );
  });

  it('keeps the whole text as one document without a separator', () => {
    expect(documents(['a\n', `${SEPARATOR}\n`, 'b'], null)).toEqual([`a\n${SEPARATOR}\nb`]);
    expect(documents([' \n'], null)).toEqual([]);
    expect(documents([])).toEqual([]);
  });

  it('refuses separators that are no line', () => {
    for (const bad of ['', 'a\n', '\r']) {
      expect(() => createDocumentParser('a.txt', bad)).toThrow(expect.objectContaining({ code: 'value' }));
    }
  });

  it('stops before a document outgrows a string', () => {
    const parser = createDocumentParser('a.txt', SEPARATOR);
    const megabyte = `${'x'.repeat((1 << 20) - 1)}\n`;
    parser.push(`first\n${SEPARATOR}\n`);
    expect(() => {
      for (let i = 0; i <= MAX_DOCUMENT_CHARACTERS / megabyte.length; i++) parser.push(megabyte);
    }).toThrow(/a\.txt: document 2 is longer than 134217728 characters; put a line <\|endoftext\|>/);
  });

  it('does not take many documents in one file for a long one', () => {
    const parser = createDocumentParser('a.txt', SEPARATOR);
    const document = `${'x'.repeat((1 << 20) - 1)}\n${SEPARATOR}\n`;
    for (let i = 0; i <= 130; i++) expect(parser.push(document)).toHaveLength(1);
  });
});
