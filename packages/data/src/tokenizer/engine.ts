/**
 * What all BPE tokenizers share: special tokens are taken out, the rest is divided into words, and words that come
 * again are not merged again.
 */
import type { TokenizerJson } from '@qsparse/formats';
import type { EncodeWord } from './byte-level.ts';
import { createIdList } from './id-list.ts';
import { detached } from './pre-tokenize.ts';
import type { Tokenizer } from './tokenizer.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Distinct words of some 10 MB of English; at the limit the cache starts anew. */
const CACHED_WORDS = 1 << 16;
/** Longer ones hardly come twice. */
const CACHED_CHARACTERS = 48;

export interface TokenizerParts {
  readonly json: TokenizerJson;
  readonly vocabulary: Vocabulary;
  /** Of all added tokens. */
  readonly specialTokens: ReadonlyMap<string, number>;
  readonly beginOfText?: number | undefined;
  readonly endOfText: number;
  readonly stopTokens: readonly number[];
  /** Ids around a text. */
  readonly before?: readonly number[];
  readonly after?: readonly number[];
  /** Added tokens as ids, the text between them normalized. With `parse` false special tokens are text. */
  split(text: string, parse: boolean): readonly (string | number)[];
  /** Words of a text in order, none for an empty one; `first` says that the text is where the input begins. */
  divide(text: string, first: boolean, emit: (word: string) => void): void;
  readonly encodeWord: EncodeWord;
}

export function assemble(parts: TokenizerParts): Tokenizer {
  const { vocabulary, split, divide, encodeWord, before = [], after = [] } = parts;
  const cache = new Map<string, Int32Array>();

  const wordIds = (word: string): Int32Array => {
    const known = cache.get(word);
    if (known) return known;
    const ids = encodeWord(word);
    if (word.length <= CACHED_CHARACTERS) {
      if (cache.size >= CACHED_WORDS) cache.clear();
      cache.set(detached(word), ids);
    }
    return ids;
  };

  return {
    vocabularySize: vocabulary.size,
    beginOfText: parts.beginOfText,
    endOfText: parts.endOfText,
    stopTokens: parts.stopTokens,
    specialTokens: parts.specialTokens,
    encode(text, { specialTokens = 'parse', addSpecialTokens = true, guard } = {}) {
      const list = createIdList(text.length >> 1);
      const emit = (word: string): void => {
        const ids = wordIds(word);
        for (let i = 0; i < ids.length; i++) list.push(ids[i]!);
      };
      if (addSpecialTokens) for (const id of before) list.push(id);
      for (const [index, part] of split(text, specialTokens === 'parse').entries()) {
        if (typeof part === 'number') list.push(part);
        else divide(guard ? part.replaceAll(guard, '') : part, index === 0, emit);
      }
      if (addSpecialTokens) for (const id of after) list.push(id);
      return list.toArray();
    },
    decode: vocabulary.decode,
    decoder: vocabulary.decoder,
    toJson: () => parts.json,
  };
}
