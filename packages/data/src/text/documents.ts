/** Plain text to documents: cut at separator lines, fed in pieces of any size. */
import { DataError, TextError } from '../errors.ts';

export interface DocumentParser {
  /** The documents completed by this piece of text. */
  push(text: string): string[];
  /** The last documents; call once. */
  end(): string[];
}

/** A quarter of what V8 allows in one string: the tokenizers need room for intermediate strings. */
export const MAX_DOCUMENT_CHARACTERS: number = 1 << 27;

/**
 * Documents are the text between lines that hold nothing but the separator (a carriage return may follow it); every
 * other character is kept. Documents of white space alone are left out. `null`: the whole text is one document.
 */
export function createDocumentParser(file: string, separator: string | null): DocumentParser {
  if (separator !== null && (separator === '' || /[\r\n]/.test(separator))) {
    throw new DataError('value', 'readDocuments', 'separator must be one line of text, or null for none');
  }
  let parts: string[] = [];
  let length = 0;
  // The last line so far, kept apart until its end is known.
  let line = '';
  let count = 0;

  const take = (last: string): string[] => {
    const text = parts.join('') + last;
    parts = [];
    length = 0;
    count++;
    return text.trim() === '' ? [] : [text];
  };

  return {
    push(text) {
      const lineStart = text.lastIndexOf('\n') + 1;
      length += text.length;
      if (lineStart === 0) {
        line += text;
        checkLength();
        return [];
      }
      const lines = line + text.slice(0, lineStart);
      line = text.slice(lineStart);
      const documents: string[] = [];
      let start = 0;
      if (separator !== null) {
        for (const { from, to } of separatorLines(lines, separator)) {
          documents.push(...take(lines.slice(start, from)));
          start = to;
        }
      }
      if (start < lines.length) parts.push(lines.slice(start));
      checkLength();
      return documents;
    },
    end() {
      const isSeparator = separator !== null && (line === separator || line === `${separator}\r`);
      const documents = take(isSeparator ? '' : line);
      line = '';
      return documents;
    },
  };

  function checkLength(): void {
    if (length <= MAX_DOCUMENT_CHARACTERS) return;
    throw new TextError(
      'too-long',
      { file },
      `document ${count + 1} is longer than ${MAX_DOCUMENT_CHARACTERS} characters`,
      `put a line ${separator ?? '<|endoftext|>'} between documents, or split the file`,
    );
  }
}

/** `lines` ends in a newline. */
function* separatorLines(lines: string, separator: string): Generator<{ from: number; to: number }> {
  let from = lines.indexOf(separator);
  while (from >= 0) {
    const end = from + separator.length;
    const newline = lines.startsWith('\r\n', end) ? end + 1 : end;
    const whole = lines[newline] === '\n' && (from === 0 || lines[from - 1] === '\n');
    if (whole) yield { from, to: newline + 1 };
    from = lines.indexOf(separator, whole ? newline + 1 : from + 1);
  }
}
