// A tokenizer.json as a GGUF tokenizer, and back. What one of the two cannot say is an error: text that is divided in
// another way becomes other tokens than the model has learned.
import { show, showName } from '../display.ts';
import { FormatError } from '../errors.ts';
import type { AddedToken, PostProcessor, TokenizerJson } from '../tokenizer/types.ts';
import { cannot, frameOf, postProcessor } from './around-text.ts';
import { PRE_TOKENIZER_NAMES, preTokenizerNamed, preTokenizerOf } from './pre-tokenizers.ts';
import {
  isByte,
  mergesByScore,
  scoresOfMerges,
  sentencePieceDecoder,
  sentencePieceNormalizer,
  spacePrefixOf,
} from './sentencepiece.ts';
import {
  type GgufByteLevel,
  type GgufSentencePiece,
  type GgufTokenizer,
  TOKEN_TYPES,
} from './tokenizer-metadata.ts';

/** What tokenizer.json does not say and GGUF wants to know. */
export interface GgufTokenizerOptions {
  /** Rows of the embedding: ids beyond the tokenizer's become unused tokens. At least as many as it has. */
  readonly rows: number;
  readonly beginOfText?: number | undefined;
  readonly endOfText?: number | undefined;
  readonly endOfTurn?: number | undefined;
  readonly padding?: number | undefined;
  /** Jinja, as tokenizer_config.json has it. */
  readonly chatTemplate?: string | undefined;
}

/**
 * For `tokenizerMetadata`: byte-level BPE as llama.cpp's `gpt2`, SentencePiece's as its `llama`. Special tokens become
 * control tokens, other added ones are defined by a user; ids without a token are named `[PAD7]` and unused, as
 * llama.cpp's converter has it.
 * @throws FormatError `value` for what llama.cpp cannot do: a pre-tokenizer that it has no name for, merges that no scores
 * give, added tokens that swallow space, special tokens around a text other than one at the beginning and one at the end
 */
export function ggufTokenizer(tokenizer: TokenizerJson, options: GgufTokenizerOptions): GgufTokenizer {
  const { rows, ...rest } = options;
  const shared = { ...tokensOf(tokenizer, rows), ...rest };
  const framed = () => frameOf(tokenizer.post_processor, rest);
  if (tokenizer.decoder.type === 'ByteLevel') {
    const pre = preTokenizerOf(tokenizer);
    if (!pre) {
      const known = PRE_TOKENIZER_NAMES.join(', ');
      throw cannot('pre_tokenizer', `only those that llama.cpp calls ${known} can be written`);
    }
    const merges = tokenizer.model.merges.map((pair) => formatMerge(pair));
    return { ...shared, ...framed(), pre: pre.names[0], merges };
  }
  const addsSpacePrefix = spacePrefixOf(tokenizer);
  if (addsSpacePrefix === undefined) {
    const form = 'only a mark for each space, before each text or not, and bytes for what is no token';
    throw cannot('normalizer', `${form} can be written in SentencePiece's form`);
  }
  const { model, added_tokens: added } = tokenizer;
  const special = new Set(added.flatMap(({ content, special }) => (special ? [content] : [])));
  const unknown = model.unk_token === null ? undefined : shared.tokens.indexOf(model.unk_token);
  return { ...shared, ...framed(), unknown, scores: scoresOfMerges(model, special, rows), addsSpacePrefix };
}

function tokensOf(tokenizer: TokenizerJson, rows: number): Pick<GgufTokenizer, 'tokens' | 'tokenTypes'> {
  const { model, added_tokens: added } = tokenizer;
  const tokens = Array.from({ length: rows }, (_, id) => `[PAD${id}]`);
  const tokenTypes: number[] = Array.from({ length: rows }, () => TOKEN_TYPES.unused);
  const put = (token: string, id: number, type: number): void => {
    if (!(id < rows))
      throw cannot('model.vocab', `${rows} rows are given, token ${show(token)} has id ${id}`);
    tokens[id] = token;
    tokenTypes[id] = type;
  };
  const isSpelled = (token: string): boolean => model.byte_fallback && isByte(token);
  for (const [token, id] of model.vocab) put(token, id, TOKEN_TYPES[isSpelled(token) ? 'byte' : 'normal']);
  for (const token of added) {
    if (token.lstrip || token.rstrip || token.single_word)
      throw cannot(
        'added_tokens',
        `${show(token.content)} has lstrip, rstrip or single_word, which llama.cpp lacks`,
      );
    put(token.content, token.id, typeOf(token, model.byte_fallback ? model.unk_token : null));
  }
  return { tokens, tokenTypes };
}

function typeOf({ content, special }: AddedToken, unknown: string | null): number {
  if (content === unknown) return TOKEN_TYPES.unknown;
  return special ? TOKEN_TYPES.control : TOKEN_TYPES.userDefined;
}

/**
 * What `formatTokenizerJson` writes and tokenizers load. Unused tokens are left out.
 * @param file for messages
 * @throws FormatError `value` for a pre-tokenizer that is not known here, and merges that are no pairs
 */
export function tokenizerJsonFromGguf(tokenizer: GgufTokenizer, file = 'GGUF file'): TokenizerJson {
  return 'scores' in tokenizer ? fromSentencePiece(tokenizer) : fromByteLevel(tokenizer, file);
}

function fromByteLevel(tokenizer: GgufByteLevel, file: string): TokenizerJson {
  const pre = preTokenizerNamed(tokenizer.pre);
  if (!pre) {
    const problem = `one of ${PRE_TOKENIZER_NAMES.join(', ')} can be read, got ${show(tokenizer.pre)}`;
    const message = `[gguf] ${showName(file)}, key "tokenizer.ggml.pre": ${problem}; take the model's tokenizer.json`;
    throw new FormatError('value', message, { file, key: 'tokenizer.ggml.pre' });
  }
  const { vocab, added } = sortedTokens(tokenizer);
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: pre.normalizer,
    pre_tokenizer: pre.pre_tokenizer,
    post_processor: postProcessorOf(tokenizer, pre.addsBeginOfText),
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: pre.ignore_merges,
      vocab,
      merges: tokenizer.merges.map((merge) => parseMerge(merge, file)),
    },
  };
}

/** llama.cpp puts a beginning of text before every text, and a mark, unless a file says otherwise. */
function fromSentencePiece(tokenizer: GgufSentencePiece): TokenizerJson {
  const { scores, tokens, tokenTypes, unknown, addsSpacePrefix = true } = tokenizer;
  const { vocab, added } = sortedTokens(tokenizer);
  // Those that stand for something are in the vocabulary too, as converters of such files have it.
  const special = added.flatMap((token): [string, number][] =>
    token.special ? [[token.content, token.id]] : [],
  );
  const normal = new Map([...vocab].filter(([, id]) => tokenTypes[id] === TOKEN_TYPES.normal));
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: sentencePieceNormalizer(addsSpacePrefix),
    pre_tokenizer: null,
    post_processor: postProcessorOf(tokenizer, true),
    decoder: sentencePieceDecoder(addsSpacePrefix),
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: tokens[unknown ?? tokenTypes.indexOf(TOKEN_TYPES.unknown)] ?? null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: new Map([...vocab, ...special].sort(([, a], [, b]) => a - b)),
      merges: mergesByScore(normal, scores),
    },
  };
}

function postProcessorOf(tokenizer: GgufTokenizer, addsBegin: boolean): PostProcessor | null {
  const { tokens, beginOfText, endOfText, addsBeginOfText = addsBegin, addsEndOfText } = tokenizer;
  return postProcessor(
    tokens,
    addsBeginOfText ? beginOfText : undefined,
    addsEndOfText ? endOfText : undefined,
  );
}

/** What texts are spelled with, and what stands in texts as a whole. */
function sortedTokens({ tokens, tokenTypes }: GgufTokenizer): {
  readonly vocab: ReadonlyMap<string, number>;
  readonly added: readonly AddedToken[];
} {
  const vocab = new Map<string, number>();
  const added: AddedToken[] = [];
  for (const [id, token] of tokens.entries()) {
    const type = tokenTypes[id];
    if (type === TOKEN_TYPES.normal || type === TOKEN_TYPES.byte) vocab.set(token, id);
    if (type === TOKEN_TYPES.control || type === TOKEN_TYPES.userDefined || type === TOKEN_TYPES.unknown)
      added.push(addedToken(id, token, type !== TOKEN_TYPES.userDefined));
  }
  return { vocab, added };
}

function addedToken(id: number, content: string, special: boolean): AddedToken {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special };
}

function formatMerge(pair: readonly [string, string]): string {
  if (pair.some((token) => token.includes(' '))) {
    throw cannot('model.merges', `tokens of the byte alphabet have no space, got ${show(pair)}`);
  }
  return pair.join(' ');
}

function parseMerge(merge: string, file: string): [string, string] {
  const parts = merge.split(' ');
  if (parts.length === 2 && parts[0] && parts[1]) return [parts[0], parts[1]];
  const problem = `two tokens with a space between them are required, got ${show(merge)}`;
  const message = `[gguf] ${showName(file)}, key "tokenizer.ggml.merges": ${problem}; convert the model again`;
  throw new FormatError('value', message, { file, key: 'tokenizer.ggml.merges' });
}
