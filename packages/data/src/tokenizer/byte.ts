/**
 * The byte tokenizer: ids 0 to 255 are the bytes of UTF-8, special tokens follow. Its tokenizer.json is byte-level BPE
 * without merges, which gives other programs the same ids.
 */
import { byteLevelTokenizer, type TokenizerJson } from '@qsparse/formats';
import { BYTE_SYMBOLS } from './alphabet.ts';
import { readDefinition, type TokenizerDefinition } from './definition.ts';
import { checkSpecialTokens, createSpecialSplitter, END_OF_TEXT } from './special-tokens.ts';
import type { Tokenizer } from './tokenizer.ts';
import { createVocabulary } from './vocabulary.ts';

export interface ByteTokenizerOptions {
  /** Ids from 256 on, in this order; default `<|endoftext|>` alone. */
  readonly specialTokens?: readonly string[];
  /** Which of them ends a document; default `<|endoftext|>`. */
  readonly endOfText?: string;
}

const BYTES = 256;

/** Throws `TokenizerError` (`vocabulary`) for special tokens that are empty, come twice or lack the end of text. */
export function createByteTokenizer(options: ByteTokenizerOptions = {}): Tokenizer {
  const { specialTokens = [END_OF_TEXT], endOfText = END_OF_TEXT } = options;
  checkSpecialTokens('createByteTokenizer', specialTokens, endOfText);
  return byteTokenizer(readDefinition(byteTokenizerJson(specialTokens)), endOfText);
}

/** Bytes, then special tokens: what BPE training starts from too. */
function byteTokenizerJson(contents: readonly string[]): TokenizerJson {
  const specialTokens = new Map(contents.map((content, index) => [content, BYTES + index]));
  const bytes = BYTE_SYMBOLS.map((symbol, byte) => [symbol, byte] as const);
  return byteLevelTokenizer({ vocab: new Map([...bytes, ...specialTokens]), merges: [], specialTokens });
}

/** Whether a definition is the byte tokenizer: no merges, each byte its own id, the special tokens right after. */
export function isByteDefinition(definition: TokenizerDefinition): boolean {
  const { json, tokens, specialTokens, addPrefixSpace } = definition;
  if (json.model.merges.length > 0 || addPrefixSpace) return false;
  if (json.added_tokens.some(({ special }) => !special)) return false;
  const added = new Set(specialTokens.values());
  for (const { id, bytes } of tokens) {
    if (!added.has(id) && (bytes.length !== 1 || bytes[0] !== id)) return false;
  }
  const ids = [...specialTokens.values()].sort((a, b) => a - b);
  return ids.every((id, index) => id === BYTES + index);
}

export function byteTokenizer(definition: TokenizerDefinition, endOfText: string): Tokenizer {
  const { json, tokens, specialTokens } = definition;
  const vocabulary = createVocabulary(tokens);
  const end = specialTokens.get(endOfText)!;
  const splitter = createSpecialSplitter(specialTokens.keys());
  const utf8 = new TextEncoder();
  return {
    vocabularySize: vocabulary.size,
    beginOfText: undefined,
    endOfText: end,
    stopTokens: [end],
    specialTokens,
    encode(text, { specialTokens: special = 'parse', guard } = {}) {
      const parts = special === 'parse' ? splitter.split(text) : [text];
      const bytesOf = (part: string): Uint8Array => utf8.encode(guard ? part.replaceAll(guard, '') : part);
      if (parts.length === 1) return Int32Array.from(bytesOf(text));
      const pieces = parts.map((part, index) =>
        index % 2 === 1 ? [specialTokens.get(part)!] : bytesOf(part),
      );
      const ids = new Int32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
      let at = 0;
      for (const piece of pieces) {
        ids.set(piece, at);
        at += piece.length;
      }
      return ids;
    },
    decode: vocabulary.decode,
    decoder: vocabulary.decoder,
    toJson: () => json,
  };
}
