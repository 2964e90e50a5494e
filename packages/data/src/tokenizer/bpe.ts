/** Byte-level BPE in GPT-2's form, as this package trains it. */
import { byteLevelWords } from './byte-level.ts';
import type { TokenizerDefinition } from './definition.ts';
import { assemble } from './engine.ts';
import { preTokens } from './pre-tokenize.ts';
import { createSpecialSplitter } from './special-tokens.ts';
import type { Tokenizer } from './tokenizer.ts';
import { createVocabulary } from './vocabulary.ts';

export function bpeTokenizer(definition: TokenizerDefinition, endOfText: string): Tokenizer {
  const { json, tokens, specialTokens, addPrefixSpace } = definition;
  const ordinary = json.added_tokens.filter(({ special }) => !special).map(({ content }) => content);
  const all = createSpecialSplitter(specialTokens.keys());
  const unspecial = createSpecialSplitter(ordinary);
  const end = specialTokens.get(endOfText)!;
  return assemble({
    json,
    vocabulary: createVocabulary(tokens),
    specialTokens,
    endOfText: end,
    stopTokens: [end],
    split: (text, parse) =>
      (parse ? all : unspecial)
        .split(text)
        .map((part, index) => (index % 2 === 1 ? specialTokens.get(part)! : part)),
    divide(text, _first, emit) {
      const plain = addPrefixSpace && text !== '' && !text.startsWith(' ') ? ` ${text}` : text;
      for (const words of preTokens(plain)) for (const word of words) emit(word);
    },
    encodeWord: byteLevelWords(json),
  });
}
