// tokenizer.json to checked values: everything that byte-level BPE needs is there, everything else is refused by name.
// Strict on purpose: a key that is skipped silently is text that is tokenized differently from the model's training.
import { type ObjectReader, readObject } from '../json/object-reader.ts';
import { type JsonObject, parseJson } from '../json/parse.ts';
import { decodeUtf8 } from '../utf8.ts';
import { parseByteLevel } from './parse-byte-level.ts';
import { parseModel, requireKnownTokens } from './parse-model.ts';
import { parsePostProcessor } from './parse-post-processor.ts';
import type { AddedToken, Digits, PreTokenizer, Split, SplitPattern, TokenizerJson } from './types.ts';

/** An embedding has a row for every id, so that an id is memory; 16 million is far beyond every vocabulary. */
export const MAX_TOKEN_ID = 16_777_215;

const BEHAVIORS = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'] as const;
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
 * Reads the byte-level BPE form: model BPE, decoder ByteLevel, pre-tokenizer ByteLevel (alone, or as the last of a
 * sequence after Split and Digits). The vocabulary must hold all 256 bytes, ids are unique, merges lead to tokens.
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
  const tokenizer: TokenizerJson = {
    version: '1.0',
    truncation: plainObject(top, 'truncation'),
    padding: plainObject(top, 'padding'),
    added_tokens: top.objects('added_tokens', { fallback: [] }).map(parseAddedToken),
    normalizer: parseNormalizer(top.object('normalizer', { fallback: null })),
    pre_tokenizer: parsePreTokenizer(top.object('pre_tokenizer')),
    post_processor: parsePostProcessor(top.object('post_processor', { fallback: null })),
    decoder: parseByteLevel(top.object('decoder')),
    model: parseModel(top.object('model'), MAX_TOKEN_ID),
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

function parseNormalizer(reader: ObjectReader | null): TokenizerJson['normalizer'] {
  if (reader === null) return null;
  reader.rejectUnknown(['type']);
  return { type: reader.oneOf('type', ['NFC', 'NFD', 'NFKC', 'NFKD']) };
}

function parsePreTokenizer(reader: ObjectReader): PreTokenizer {
  if (reader.oneOf('type', ['ByteLevel', 'Sequence']) === 'ByteLevel') return parseByteLevel(reader);
  reader.rejectUnknown(['type', 'pretokenizers']);
  const steps = reader.objects('pretokenizers');
  const pretokenizers = steps.map((step, index) => {
    const last = index === steps.length - 1;
    const type = step.oneOf('type', last ? ['ByteLevel'] : ['Split', 'Digits']);
    if (type === 'Split') return parseSplit(step);
    return type === 'Digits' ? parseDigits(step) : parseByteLevel(step);
  });
  if (pretokenizers.length === 0) throw reader.invalid('pretokenizers', 'a list that ends with ByteLevel');
  return { type: 'Sequence', pretokenizers };
}

function parseSplit(reader: ObjectReader): Split {
  reader.rejectUnknown(['type', 'pattern', 'behavior', 'invert']);
  return {
    type: 'Split',
    pattern: parsePattern(reader.object('pattern')),
    behavior: reader.oneOf('behavior', BEHAVIORS),
    invert: reader.boolean('invert', { fallback: false }),
  };
}

function parsePattern(reader: ObjectReader): SplitPattern {
  const kind = reader.has('String') ? 'String' : 'Regex';
  reader.rejectUnknown([kind]);
  const text = reader.string(kind);
  return kind === 'String' ? { String: text } : { Regex: text };
}

function parseDigits(reader: ObjectReader): Digits {
  reader.rejectUnknown(['type', 'individual_digits']);
  return { type: 'Digits', individual_digits: reader.boolean('individual_digits', { fallback: false }) };
}
