// A byte-level tokenizer.json as a GGUF tokenizer, and back. What one of the two cannot say is an error: text that is
// divided in another way becomes other tokens than the model has learned.
import { show, showName } from '../display.ts';
import { FormatError } from '../errors.ts';
import type { AddedToken, PostProcessor, TemplatePiece, TokenizerJson } from '../tokenizer/types.ts';
import { PRE_TOKENIZER_NAMES, preTokenizerNamed, preTokenizerOf } from './pre-tokenizers.ts';
import { type GgufTokenizer, TOKEN_TYPES } from './tokenizer-metadata.ts';

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
 * For `tokenizerMetadata`. Special tokens become control tokens, other added ones are defined by a user; ids without a
 * token are named `[PAD7]` and unused, as llama.cpp's converter has it.
 * @throws FormatError `value` for what llama.cpp cannot do: SentencePiece's form, a pre-tokenizer that it has no name for, added tokens
 * that swallow space, special tokens around a text other than one at the beginning and one at the end
 */
export function ggufTokenizer(tokenizer: TokenizerJson, options: GgufTokenizerOptions): GgufTokenizer {
  const { rows, ...rest } = options;
  const pre = preTokenizerOf(tokenizer);
  if (!pre) {
    const known = PRE_TOKENIZER_NAMES.join(', ');
    throw cannot('pre_tokenizer', `only those that llama.cpp calls ${known} can be written`);
  }
  const tokens = Array.from({ length: rows }, (_, id) => `[PAD${id}]`);
  const tokenTypes: number[] = Array.from({ length: rows }, () => TOKEN_TYPES.unused);
  const put = (token: string, id: number, type: number): void => {
    if (!(id < rows))
      throw cannot('model.vocab', `${rows} rows are given, token ${show(token)} has id ${id}`);
    tokens[id] = token;
    tokenTypes[id] = type;
  };
  for (const [token, id] of tokenizer.model.vocab) put(token, id, TOKEN_TYPES.normal);
  for (const token of tokenizer.added_tokens) {
    if (token.lstrip || token.rstrip || token.single_word)
      throw cannot(
        'added_tokens',
        `${show(token.content)} has lstrip, rstrip or single_word, which llama.cpp lacks`,
      );
    put(token.content, token.id, token.special ? TOKEN_TYPES.control : TOKEN_TYPES.userDefined);
  }
  const around = aroundText(tokenizer.post_processor);
  const [first, last] = [around.first ?? rest.beginOfText, around.last ?? rest.endOfText];
  if (rest.beginOfText !== undefined && first !== rest.beginOfText)
    throw cannot(
      'post_processor',
      `texts begin with token ${first}, the beginning of text is ${rest.beginOfText}`,
    );
  if (rest.endOfText !== undefined && last !== rest.endOfText)
    throw cannot('post_processor', `texts end with token ${last}, the end of text is ${rest.endOfText}`);
  return {
    ...rest,
    pre: pre.names[0],
    tokens,
    tokenTypes,
    merges: tokenizer.model.merges.map((pair) => formatMerge(pair)),
    beginOfText: first,
    endOfText: last,
    addsBeginOfText: around.first !== undefined,
    addsEndOfText: around.last !== undefined,
  };
}

/**
 * What `formatTokenizerJson` writes and tokenizers load. Unused tokens are left out.
 * @param file for messages
 * @throws FormatError `value` for a pre-tokenizer that is not known here, and merges that are no pairs
 */
export function tokenizerJsonFromGguf(tokenizer: GgufTokenizer, file = 'GGUF file'): TokenizerJson {
  const { tokens, tokenTypes, beginOfText, endOfText } = tokenizer;
  const pre = preTokenizerNamed(tokenizer.pre);
  if (!pre) {
    const problem = `one of ${PRE_TOKENIZER_NAMES.join(', ')} can be read, got ${show(tokenizer.pre)}`;
    const message = `[gguf] ${showName(file)}, key "tokenizer.ggml.pre": ${problem}; take the model's tokenizer.json`;
    throw new FormatError('value', message, { file, key: 'tokenizer.ggml.pre' });
  }
  const vocab = new Map<string, number>();
  const added: AddedToken[] = [];
  for (const [id, token] of tokens.entries()) {
    const type = tokenTypes[id];
    if (type === TOKEN_TYPES.normal) vocab.set(token, id);
    if (type === TOKEN_TYPES.control || type === TOKEN_TYPES.userDefined || type === TOKEN_TYPES.unknown)
      added.push(addedToken(id, token, type !== TOKEN_TYPES.userDefined));
  }
  const first = (tokenizer.addsBeginOfText ?? pre.addsBeginOfText) ? beginOfText : undefined;
  const last = tokenizer.addsEndOfText ? endOfText : undefined;
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: pre.normalizer,
    pre_tokenizer: pre.pre_tokenizer,
    post_processor: postProcessor(tokens, first, last),
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

/** Ids of the tokens that are put in front of a text and behind it. */
function aroundText(processor: PostProcessor | null): {
  readonly first?: number | undefined;
  readonly last?: number | undefined;
} {
  const steps = processor?.type === 'Sequence' ? processor.processors : processor ? [processor] : [];
  const templates = steps.filter((step) => step.type === 'TemplateProcessing');
  if (templates.length === 0) return {};
  const [template, another] = templates;
  const { single, special_tokens } = template!;
  const text = single.findIndex((piece) => 'Sequence' in piece);
  const idsOf = (piece: TemplatePiece): readonly number[] =>
    'SpecialToken' in piece ? (special_tokens.get(piece.SpecialToken.id)?.ids ?? []) : [];
  const before = single.slice(0, text).flatMap(idsOf);
  const after = single.slice(text + 1).flatMap(idsOf);
  if (another || before.length > 1 || after.length > 1)
    throw cannot('post_processor', 'at most one token before a text and one after it can be written');
  return { first: before[0], last: after[0] };
}

function postProcessor(tokens: readonly string[], first?: number, last?: number): PostProcessor | null {
  const ids = [first, last].filter((id) => id !== undefined);
  if (ids.length === 0) return null;
  const special = (id: number | undefined, type_id: number): TemplatePiece[] =>
    id === undefined ? [] : [{ SpecialToken: { id: tokens[id]!, type_id } }];
  const around = (id: 'A' | 'B', type_id: number): TemplatePiece[] => [
    ...special(first, type_id),
    { Sequence: { id, type_id } },
    ...special(last, type_id),
  ];
  return {
    type: 'TemplateProcessing',
    single: around('A', 0),
    pair: [...around('A', 0), ...around('B', 1)],
    special_tokens: new Map(
      ids.map((id) => [tokens[id]!, { id: tokens[id]!, ids: [id], tokens: [tokens[id]!] }]),
    ),
  };
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

function cannot(key: string, problem: string): FormatError {
  const message = `[gguf] tokenizer to write, ${show(key)}: ${problem}; such a model has no GGUF form here`;
  return new FormatError('value', message, { key });
}
