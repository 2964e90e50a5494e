/**
 * tokenizer.json, already checked by @qsparse/formats, to what encoding and decoding need. Supported is the form of
 * GPT-2; what else the file's format allows is refused by the name of the part.
 */
import type { TokenizerJson } from '@qsparse/formats';
import { quoted, TokenizerError } from '../errors.ts';
import { bytesOf } from './alphabet.ts';
import type { Merge } from './merges.ts';

export interface TokenizerDefinition {
  /** Where all of this comes from. */
  readonly json: TokenizerJson;
  /** Bytes by id; none at added tokens and at ids that stand for nothing. */
  readonly tokens: ReadonlyMap<number, Uint8Array>;
  /** Ids of the added tokens, in the file's order. */
  readonly specialTokens: ReadonlyMap<string, number>;
  readonly merges: readonly Merge[];
  /** Put a space before text that begins with none. */
  readonly addPrefixSpace: boolean;
  /** Take a pre-token that is a token as a whole, whatever the merges would make of it. */
  readonly ignoreMerges: boolean;
}

/** Throws `TokenizerError` (`tokenizer-json`) naming the part that is not supported. */
export function readDefinition(json: TokenizerJson): TokenizerDefinition {
  const { model, pre_tokenizer: preTokenizer, post_processor: postProcessor } = json;
  if (json.normalizer) refuse('normalizer', json.normalizer.type, 'null');
  if (preTokenizer.type !== 'ByteLevel') return refuse('pre_tokenizer', preTokenizer.type, 'ByteLevel alone');
  if (!preTokenizer.use_regex) refuse('pre_tokenizer.use_regex', 'false', 'true');
  if (postProcessor && postProcessor.type !== 'ByteLevel') {
    refuse('post_processor', postProcessor.type, 'ByteLevel or null');
  }
  if (model.dropout) refuse('model.dropout', String(model.dropout), 'null');
  for (const { content, single_word, lstrip, rstrip } of json.added_tokens) {
    if (single_word) refuse(`single_word of added token ${quoted(content)}`, 'true', 'false');
    if (lstrip) refuse(`lstrip of added token ${quoted(content)}`, 'true', 'false');
    if (rstrip) refuse(`rstrip of added token ${quoted(content)}`, 'true', 'false');
  }
  const specialTokens = new Map(json.added_tokens.map(({ content, id }) => [content, id]));
  const tokens = new Map<number, Uint8Array>();
  for (const [token, id] of model.vocab) {
    if (!specialTokens.has(token)) tokens.set(id, bytesOf(token));
  }
  const merges = model.merges.map(([left, right]) => ({
    left: model.vocab.get(left)!,
    right: model.vocab.get(right)!,
    result: model.vocab.get(left + right)!,
  }));
  return {
    json,
    tokens,
    specialTokens,
    merges,
    addPrefixSpace: preTokenizer.add_prefix_space,
    ignoreMerges: model.ignore_merges,
  };
}

function refuse(part: string, value: string, supported: string): never {
  const what = `${part} must be ${supported}, got ${value}`;
  const hint = 'byte-level BPE in the form of GPT-2 is supported';
  throw new TokenizerError('tokenizer-json', 'tokenizerFromJson', what, hint);
}
