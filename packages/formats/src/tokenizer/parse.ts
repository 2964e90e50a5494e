// tokenizer.json to checked values: everything that the two forms of BPE need is there, everything else is refused by name.
// Strict on purpose: a key that is skipped silently is text that is tokenized differently from the model's training.
import { type ObjectReader, readObject } from '../json/object-reader.ts';
import { type JsonObject, parseJson } from '../json/parse.ts';
import { decodeUtf8 } from '../utf8.ts';
import { parseDecoder } from './parse-decoder.ts';
import { parseModel, requireKnownTokens } from './parse-model.ts';
import { parseNormalizer } from './parse-normalizer.ts';
import { parsePostProcessor } from './parse-post-processor.ts';
import { parsePreTokenizer } from './parse-pre-tokenizer.ts';
import type { AddedToken, TokenizerJson } from './types.ts';

/** An embedding has a row for every id, so that an id is memory; 16 million is far beyond every vocabulary. */
export const MAX_TOKEN_ID = 16_777_215;

const TOP_KEYS = [
  'version',
  'truncation',
  'padding',
  'added_tokens',
  'normalizer',
  'pre_tokenizer',
  'post_processor',
  'decoder',
  'model',
];

/**
 * Reads two forms of model BPE. Byte-level: decoder ByteLevel, pre-tokenizer ByteLevel (alone, or as the last of a
 * sequence after Split and Digits), a vocabulary with all 256 bytes. SentencePiece's: no ByteLevel, and every character
 * has a way into the vocabulary: byte fallback or an unknown token. Ids are unique, merges lead to tokens.
 * @param source the file's text or its UTF-8 bytes
 * @param name the file's name, for messages
 * @throws FormatError with line and column for text that is not JSON, otherwise naming the key
 */
export function parseTokenizerJson(source: string | Uint8Array, name = 'tokenizer.json'): TokenizerJson {
  const text =
    typeof source === 'string'
      ? source
      : decodeUtf8(source, { label: 'tokenizer', file: name, dropMark: true });
  const top = readObject(parseJson(text, name, 'tokenizer'), name);
  top.rejectUnknown(TOP_KEYS);
  top.oneOf('version', ['1.0'], { fallback: '1.0' });
  const decoder = parseDecoder(top.object('decoder'));
  const byteLevel = decoder.type === 'ByteLevel';
  const tokenizer: TokenizerJson = {
    version: '1.0',
    truncation: plainObject(top, 'truncation'),
    padding: plainObject(top, 'padding'),
    added_tokens: top.objects('added_tokens', { fallback: [] }).map(parseAddedToken),
    normalizer: parseNormalizer(top.object('normalizer', { fallback: null })),
    pre_tokenizer: parsePreTokenizer(
      byteLevel ? top.object('pre_tokenizer') : top.object('pre_tokenizer', { fallback: null }),
      byteLevel,
    ),
    post_processor: parsePostProcessor(top.object('post_processor', { fallback: null })),
    decoder,
    model: parseModel(top.object('model'), { byteLevel, maxTokenId: MAX_TOKEN_ID }),
  };
  requireKnownTokens(tokenizer, name);
  return tokenizer;
}

/** Number of rows that an embedding for this tokenizer needs: the highest id, plus one. */
export function embeddingRows(tokenizer: TokenizerJson): number {
  let highest = -1;
  for (const id of tokenizer.model.vocab.values()) highest = Math.max(highest, id);
  for (const { id } of tokenizer.added_tokens) highest = Math.max(highest, id);
  return highest + 1;
}

function plainObject(top: ObjectReader, key: string): JsonObject | null {
  return top.object(key, { fallback: null }) === null ? null : (top.get(key) as JsonObject);
}

function parseAddedToken(reader: ObjectReader): AddedToken {
  reader.rejectUnknown(['id', 'content', 'single_word', 'lstrip', 'rstrip', 'normalized', 'special']);
  const content = reader.string('content');
  if (content === '') throw reader.invalid('content', 'text of at least one character');
  return {
    id: reader.integer('id', { min: 0, max: MAX_TOKEN_ID }),
    content,
    single_word: reader.boolean('single_word', { fallback: false }),
    lstrip: reader.boolean('lstrip', { fallback: false }),
    rstrip: reader.boolean('rstrip', { fallback: false }),
    normalized: reader.boolean('normalized', { fallback: false }),
    special: reader.boolean('special', { fallback: false }),
  };
}
