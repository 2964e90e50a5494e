/**
 * tokenizer.json, already checked by @qsparse/formats, to what encoding and decoding need. Supported here is the form of
 * GPT-2; what else the file's format allows is refused by the name of the part.
 */
import type { TokenizerJson } from '@qsparse/formats';
import { quoted, TokenizerError } from '../errors.ts';
import { byteLevelTokens } from './byte-level.ts';
import type { TokenBytes } from './vocabulary.ts';

export interface TokenizerDefinition {
  /** Where all of this comes from. */
  readonly json: TokenizerJson;
  readonly tokens: readonly TokenBytes[];
  /** Ids of the added tokens, in the file's order. */
  readonly specialTokens: ReadonlyMap<string, number>;
  /** Put a space before text that begins with none. */
  readonly addPrefixSpace: boolean;
}

/** Throws `TokenizerError` (`tokenizer-json`) naming the part that is not supported. */
export function readDefinition(json: TokenizerJson): TokenizerDefinition {
  const other = otherForm(json);
  if (other !== undefined) {
    const hint = 'byte-level BPE in the form of GPT-2 is supported here, loadTokenizer reads other forms';
    throw new TokenizerError('tokenizer-json', 'tokenizerFromJson', other, hint);
  }
  const { pre_tokenizer: preTokenizer } = json;
  return {
    json,
    tokens: byteLevelTokens(json),
    specialTokens: new Map(json.added_tokens.map(({ content, id }) => [content, id])),
    addPrefixSpace: preTokenizer?.type === 'ByteLevel' && preTokenizer.add_prefix_space,
  };
}

/** The first part that GPT-2's form does not have, undefined for that form. */
export function otherForm(json: TokenizerJson): string | undefined {
  const { model, decoder, normalizer, pre_tokenizer: preTokenizer, post_processor: postProcessor } = json;
  const differs = (part: string, value: string, supported: string): string =>
    `${part} must be ${supported}, got ${value}`;
  if (decoder.type !== 'ByteLevel') return differs('decoder', decoder.type, 'ByteLevel');
  if (normalizer) return differs('normalizer', normalizer.type, 'null');
  if (preTokenizer?.type !== 'ByteLevel')
    return differs('pre_tokenizer', preTokenizer?.type ?? 'null', 'ByteLevel alone');
  if (!preTokenizer.use_regex) return differs('pre_tokenizer.use_regex', 'false', 'true');
  if (postProcessor && postProcessor.type !== 'ByteLevel')
    return differs('post_processor', postProcessor.type, 'ByteLevel or null');
  if (model.dropout) return differs('model.dropout', String(model.dropout), 'null');
  for (const { content, single_word, lstrip, rstrip } of json.added_tokens) {
    if (single_word) return differs(`single_word of added token ${quoted(content)}`, 'true', 'false');
    if (lstrip) return differs(`lstrip of added token ${quoted(content)}`, 'true', 'false');
    if (rstrip) return differs(`rstrip of added token ${quoted(content)}`, 'true', 'false');
  }
  return undefined;
}
