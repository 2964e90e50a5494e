/** A byte-level BPE tokenizer from its definition: pre-tokens, bytes, merges, with the words seen kept in a cache. */
import { BYTE_SYMBOLS, symbolsOf } from './alphabet.ts';
import type { TokenizerDefinition } from './definition.ts';
import { createIdList } from './id-list.ts';
import { createMerger } from './merges.ts';
import { detached, preTokens } from './pre-tokenize.ts';
import { createSpecialSplitter } from './special-tokens.ts';
import type { Tokenizer } from './tokenizer.ts';
import { createVocabulary } from './vocabulary.ts';

/** Distinct words of some 10 MB of English; at the limit the cache starts anew. */
const CACHED_WORDS = 1 << 16;
/** Longer ones hardly come twice. */
const CACHED_CHARACTERS = 48;

export function bpeTokenizer(definition: TokenizerDefinition, endOfText: string): Tokenizer {
  const { json, specialTokens, addPrefixSpace, ignoreMerges } = definition;
  const { vocab } = json.model;
  const vocabulary = createVocabulary(definition);
  const splitter = createSpecialSplitter(specialTokens.keys());
  const merge = createMerger(definition.merges);
  const byteIds = Int32Array.from(BYTE_SYMBOLS, (symbol) => vocab.get(symbol)!);
  const cache = new Map<string, Int32Array>();
  const utf8 = new TextEncoder();

  const encodeWord = (word: string): Int32Array => {
    const bytes = utf8.encode(word);
    const whole = ignoreMerges ? vocab.get(symbolsOf(bytes)) : undefined;
    if (whole !== undefined) return Int32Array.of(whole);
    const ids = Int32Array.from(bytes, (byte) => byteIds[byte]!);
    return ids.slice(0, merge(ids));
  };

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
    endOfText: specialTokens.get(endOfText)!,
    specialTokens,
    encode(text, { specialTokens: special = 'parse' } = {}) {
      const list = createIdList(text.length >> 1);
      const parts = special === 'parse' ? splitter.split(text) : [text];
      for (const [index, part] of parts.entries()) {
        if (index % 2 === 1) {
          list.push(specialTokens.get(part)!);
          continue;
        }
        if (part === '') continue;
        const plain = addPrefixSpace && !part.startsWith(' ') ? ` ${part}` : part;
        for (const words of preTokens(plain)) {
          for (const word of words) {
            const ids = wordIds(word);
            for (let i = 0; i < ids.length; i++) list.push(ids[i]!);
          }
        }
      }
      return list.toArray();
    },
    decode: vocabulary.decode,
    decoder: vocabulary.decoder,
    toJson: () => json,
  };
}
