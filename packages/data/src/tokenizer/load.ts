/** tokenizer.json to a tokenizer: the byte tokenizer where the file is one, byte-level BPE otherwise. */
import { parseTokenizerJson, type TokenizerJson } from '@qsparse/formats';
import { quoted, TokenizerError } from '../errors.ts';
import { bpeTokenizer } from './bpe.ts';
import { byteTokenizer, isByteDefinition } from './byte.ts';
import { otherForm, readDefinition } from './definition.ts';
import { END_OF_TEXT } from './special-tokens.ts';
import type { Tokenizer } from './tokenizer.ts';

export interface LoadOptions {
  /** The added token that ends a document, which the file itself does not tell; default `<|endoftext|>`. */
  readonly endOfText?: string;
}

/**
 * From the file's text or bytes, or from what `parseTokenizerJson` of @qsparse/formats made of them.
 * Throws `FormatError` for a malformed file; `TokenizerError` with code `tokenizer-json` for another form than GPT-2's
 * byte-level BPE, naming the part, and with code `vocabulary` when the file has no such end of text.
 */
export function tokenizerFromJson(
  source: string | Uint8Array | TokenizerJson,
  options: LoadOptions = {},
): Tokenizer {
  const { endOfText = END_OF_TEXT } = options;
  const definition = readDefinition(checked(source));
  if (!definition.specialTokens.has(endOfText)) {
    const what = `added_tokens must hold the end of text ${quoted(endOfText)}`;
    const some = [...definition.specialTokens.keys()].slice(0, 8).map(quoted).join(', ');
    const hint = some ? `set endOfText to one of ${some}` : 'add it to the file';
    throw new TokenizerError('vocabulary', 'tokenizerFromJson', what, hint);
  }
  return isByteDefinition(definition)
    ? byteTokenizer(definition, endOfText)
    : bpeTokenizer(definition, endOfText);
}

/**
 * Whether a tokenizer.json is the byte tokenizer's; false for every other form.
 * Throws `FormatError` for a malformed file.
 */
export function isByteTokenizerJson(source: string | Uint8Array | TokenizerJson): boolean {
  const json = checked(source);
  return otherForm(json) === undefined && isByteDefinition(readDefinition(json));
}

function checked(source: string | Uint8Array | TokenizerJson): TokenizerJson {
  if (typeof source === 'string' || source instanceof Uint8Array) return parseTokenizerJson(source);
  if (source.model?.vocab instanceof Map) return source;
  const what = 'the file must come as text, bytes or the result of parseTokenizerJson';
  throw new TokenizerError('tokenizer-json', 'tokenizerFromJson', what, 'JSON.parse alone does not check it');
}
