/** BPE as SentencePiece has it: characters are tokens; what is no token becomes bytes or the unknown token. */
import { byteTokens, type TokenizerJson } from '@qsparse/formats';
import { type EncodeWord, mergesOf, ordinaryTokens } from '../tokenizer/byte-level.ts';
import { createIdList } from '../tokenizer/id-list.ts';
import { createMerger } from '../tokenizer/merges.ts';
import type { Divide } from './steps.ts';

/** Stands for a space in words. */
const MARK = '▁';

export function characterWords({ model, added_tokens: added }: TokenizerJson): EncodeWord {
  const vocab = ordinaryTokens(model, added);
  const merge = createMerger(mergesOf(model));
  const byteIds = model.byte_fallback ? byteTokens().map((token) => model.vocab.get(token)) : [];
  const unknown =
    added.find(({ content }) => content === model.unk_token)?.id ?? model.vocab.get(model.unk_token ?? '');
  const utf8 = new TextEncoder();
  return (word) => {
    const whole = model.ignore_merges ? vocab.get(word) : undefined;
    if (whole !== undefined) return Int32Array.of(whole);
    const list = createIdList(word.length);
    let afterUnknown = false;
    for (const character of word) {
      const id = vocab.get(character);
      const bytes = id === undefined && model.byte_fallback ? utf8.encode(character) : undefined;
      const spelled = bytes?.every((byte) => byteIds[byte] !== undefined);
      if (id !== undefined) list.push(id);
      else if (spelled) for (const byte of bytes!) list.push(byteIds[byte]!);
      else if (unknown !== undefined && !(afterUnknown && model.fuse_unk)) list.push(unknown);
      afterUnknown = id === undefined && !spelled;
    }
    const ids = list.toArray();
    return ids.slice(0, merge(ids));
  };
}

/**
 * Cuts pieces before each run of marks, where no merge can tell: a document then is many words that come again instead
 * of one that never does. Vocabularies with merges across such a place keep their pieces whole.
 */
export function atMarks({ model }: TokenizerJson, divide: Divide): Divide {
  const crosses = model.merges.some(([left, right]) => right.startsWith(MARK) && !left.endsWith(MARK));
  if (crosses || model.ignore_merges || !model.vocab.has(MARK)) return divide;
  return (text, first, emit) =>
    divide(text, first, (piece) => {
      let start = 0;
      for (let at = piece.indexOf(MARK, 1); at > 0; at = piece.indexOf(MARK, at + 1)) {
        if (piece[at - 1] === MARK) continue;
        emit(piece.slice(start, at));
        start = at;
      }
      emit(piece.slice(start));
    });
}
