/** Byte-level BPE: what tokens spell, and a piece of text to ids through bytes and merges. */
import type { AddedToken, BpeModel, TokenizerJson } from '@qsparse/formats';
import { BYTE_SYMBOLS, bytesOf, symbolsOf } from './alphabet.ts';
import { createMerger, type Merge } from './merges.ts';
import type { TokenBytes } from './vocabulary.ts';

/** Ids of one piece of text, which merges do not cross. */
export type EncodeWord = (word: string) => Int32Array;

export function byteLevelTokens({ model, added_tokens: added }: TokenizerJson): TokenBytes[] {
  const utf8 = new TextEncoder();
  const contents = new Set(added.map(({ content }) => content));
  const tokens: TokenBytes[] = [];
  for (const [token, id] of model.vocab) {
    if (!contents.has(token)) tokens.push({ id, bytes: bytesOf(token), special: false });
  }
  for (const { id, content, special } of added) tokens.push({ id, bytes: utf8.encode(content), special });
  return tokens;
}

/** Merges by id, in their order. */
export function mergesOf({ vocab, merges }: BpeModel): Merge[] {
  return merges.map(([left, right]) => ({
    left: vocab.get(left)!,
    right: vocab.get(right)!,
    result: vocab.get(left + right)!,
  }));
}

/** Ids of tokens that text may become: special ones are no spelling of anything, though a vocabulary may list them. */
export function ordinaryTokens(
  { vocab }: BpeModel,
  added: readonly AddedToken[],
): ReadonlyMap<string, number> {
  const listed = added.filter(({ content, special }) => special && vocab.has(content));
  if (listed.length === 0) return vocab;
  const ordinary = new Map(vocab);
  for (const { content } of listed) ordinary.delete(content);
  return ordinary;
}

export function byteLevelWords({ model, added_tokens: added }: TokenizerJson): EncodeWord {
  const merge = createMerger(mergesOf(model));
  const whole = model.ignore_merges ? ordinaryTokens(model, added) : undefined;
  const byteIds = Int32Array.from(BYTE_SYMBOLS, (symbol) => model.vocab.get(symbol)!);
  const utf8 = new TextEncoder();
  return (word) => {
    const bytes = utf8.encode(word);
    const known = whole?.get(symbolsOf(bytes));
    if (known !== undefined) return Int32Array.of(known);
    const ids = Int32Array.from(bytes, (byte) => byteIds[byte]!);
    return ids.slice(0, merge(ids));
  };
}
