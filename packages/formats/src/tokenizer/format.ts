// Checked values to tokenizer.json, as @huggingface/tokenizers and the Python library load it.
import { formatJson } from '../json/format.ts';
import { parseTokenizerJson } from './parse.ts';
import type { AddedToken, BpeModel, TokenizerJson } from './types.ts';

/**
 * The file's text. Vocabulary by id; merges as "a b", which every version of the libraries reads, or as pairs where a
 * token holds a space. The text is read back before it is returned, so that nothing is written that cannot be loaded.
 * @throws FormatError naming the key that is wrong
 */
export function formatTokenizerJson(tokenizer: TokenizerJson): string {
  const { model } = tokenizer;
  const text = formatJson(
    {
      version: tokenizer.version,
      truncation: tokenizer.truncation,
      padding: tokenizer.padding,
      added_tokens: tokenizer.added_tokens,
      normalizer: tokenizer.normalizer,
      pre_tokenizer: tokenizer.pre_tokenizer,
      post_processor: tokenizer.post_processor,
      decoder: tokenizer.decoder,
      model: {
        type: model.type,
        dropout: model.dropout,
        unk_token: model.unk_token,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: model.fuse_unk,
        byte_fallback: model.byte_fallback,
        ignore_merges: model.ignore_merges,
        vocab: new Map([...model.vocab].sort(([, a], [, b]) => a - b)),
        merges: writableMerges(model.merges),
      },
    },
    'tokenizer',
  );
  parseTokenizerJson(text, 'tokenizer to write');
  return text;
}

function writableMerges(merges: BpeModel['merges']): unknown {
  const spaced = merges.some(([left, right]) => left.includes(' ') || right.includes(' '));
  return spaced ? merges : merges.map((pair) => pair.join(' '));
}

export interface NewTokenizer {
  /** Token to id, in the byte alphabet; ids from 0 without holes are best. */
  readonly vocab: ReadonlyMap<string, number>;
  /** In the order in which they are applied. */
  readonly merges: readonly (readonly [string, string])[];
  /** Their ids by content: `<|endoftext|>`. */
  readonly specialTokens?: ReadonlyMap<string, number>;
}

/** A byte-level BPE tokenizer as GPT-2 has it: no normalizer, words divided by GPT-2's pattern, no added prefix. */
export function byteLevelTokenizer({
  vocab,
  merges,
  specialTokens = new Map(),
}: NewTokenizer): TokenizerJson {
  const added = [...specialTokens].map(
    ([content, id]): AddedToken => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    }),
  );
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added.sort((a, b) => a.id - b.id),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges,
    },
  };
}
