/**
 * Finds added tokens in a text, as tokenizer.json describes them: first those that are matched in the text as it came,
 * then, in what is left, those that are matched after normalization.
 */
import type { AddedToken } from '@qsparse/formats';
import { createSpecialSplitter } from '../tokenizer/special-tokens.ts';
import type { Normalize } from './normalize.ts';

/** Added tokens as ids, the text between them normalized; the first part is text where the input begins with text. */
export type SplitAddedTokens = (text: string, parse: boolean) => readonly (string | number)[];

export function createAddedTokenSplitter(
  added: readonly AddedToken[],
  normalize: Normalize | undefined,
): SplitAddedTokens {
  const create = (tokens: readonly AddedToken[]): ((text: string) => (string | number)[]) => {
    const raw = createMatcher(tokens.filter(({ normalized }) => !normalized));
    const normalized = createMatcher(
      tokens
        .filter((token) => token.normalized)
        .map((token) => ({ ...token, content: normalize?.(token.content) ?? token.content }))
        .filter(({ content }) => content !== ''),
    );
    return (text) =>
      raw(text).flatMap((part) => (typeof part === 'number' ? part : normalized(normalize?.(part) ?? part)));
  };
  const all = create(added);
  const ordinary = create(added.filter(({ special }) => !special));
  return (text, parse) => {
    const wellFormed = text.replace(/\p{Surrogate}/gu, '\ufffd');
    return parse ? all(wellFormed) : ordinary(wellFormed);
  };
}

const WORD_BEFORE = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]$/u;
const WORD_AFTER = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;
const SPACE_BEFORE = /(?<!\p{White_Space})\p{White_Space}+$/u;
const SPACE_AFTER = /^\p{White_Space}+/u;

/** Empty texts between tokens are left out. */
function createMatcher(tokens: readonly AddedToken[]): (text: string) => (string | number)[] {
  const byContent = new Map(tokens.map((token) => [token.content, token]));
  const { split } = createSpecialSplitter(byContent.keys());
  return (text) => {
    const pieces = split(text);
    const parts: (string | number)[] = [];
    let pending = pieces[0]!;
    for (let index = 1; index < pieces.length; index += 2) {
      const token = byContent.get(pieces[index]!)!;
      let next = pieces[index + 1]!;
      // What stands beside it: another token borders on it where the text between them is empty.
      const before = pieces[index - 1] || pieces[index - 2] || '';
      const after = next || pieces[index + 2] || '';
      if (token.single_word && (WORD_BEFORE.test(before) || WORD_AFTER.test(after))) {
        pending += token.content + next;
        continue;
      }
      if (token.lstrip) pending = pending.replace(SPACE_BEFORE, '');
      if (token.rstrip) next = next.replace(SPACE_AFTER, '');
      if (pending !== '') parts.push(pending);
      parts.push(token.id);
      pending = next;
    }
    if (pending !== '') parts.push(pending);
    return parts;
  };
}
