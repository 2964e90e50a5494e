/** Special tokens: strings that are one id each and never take part in merges. */
import { quoted, TokenizerError } from '../errors.ts';
import { BYTE_SYMBOLS } from './alphabet.ts';

export const END_OF_TEXT = '<|endoftext|>';

/** Throws unless every content can be a special token of a byte-level vocabulary. */
export function checkSpecialTokens(where: string, contents: readonly string[], endOfText: string): void {
  const fail = (what: string, hint: string): never => {
    throw new TokenizerError('vocabulary', where, what, hint);
  };
  for (const [index, content] of contents.entries()) {
    if (content === '') fail('a special token is empty', 'leave it out');
    if (contents.indexOf(content) !== index)
      fail(`special token ${quoted(content)} comes twice`, 'leave one out');
    if (/\p{Surrogate}/u.test(content))
      fail(`special token ${quoted(content)} holds half a character`, 'mend it');
    // tokenizer.json has one name space for tokens and bytes.
    if (BYTE_SYMBOLS.includes(content)) {
      fail(`special token ${quoted(content)} is spelled like a byte`, 'use a longer one such as <|name|>');
    }
  }
  if (!contents.includes(endOfText)) {
    const given = contents.map(quoted).join(', ') || 'none';
    fail(`the special tokens must hold ${quoted(endOfText)}, got ${given}`, 'add it, or set endOfText');
  }
}

export interface SpecialSplitter {
  /** Alternately plain text (perhaps empty) and a special token's content, beginning and ending with text. */
  split(text: string): string[];
}

/** Leftmost match first, and there the longest. */
export function createSpecialSplitter(contents: Iterable<string>): SpecialSplitter {
  const longestFirst = [...contents].sort((a, b) => b.length - a.length);
  if (longestFirst.length === 0) return { split: (text) => [text] };
  const escaped = longestFirst.map((content) => content.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'));
  // Without the u flag: contents are whole characters, so a match can begin nowhere else.
  const pattern = new RegExp(`(${escaped.join('|')})`);
  return { split: (text) => text.split(pattern) };
}
