/** What a tokenizer is: text to token ids and back, and a tokenizer.json that says the same to other programs. */
import { MAX_TOKEN_ID, type TokenizerJson } from '@qsparse/formats';

export interface EncodeOptions {
  /**
   * What to do where the text spells a special token: `parse` (default, as Hugging Face does) gives its id;
   * `text` encodes the letters, for text that must not be able to end a document or a turn.
   */
  readonly specialTokens?: 'parse' | 'text';
}

export interface StreamDecoder {
  /** The text that this id completes; empty while a character is incomplete. Throws like `decode`. */
  push(id: number): string;
  /** What is left: U+FFFD for an incomplete character, otherwise nothing. The decoder can be used again. */
  flush(): string;
}

export interface Tokenizer {
  /** Ids are below this. A model's embedding may have more rows, never fewer. */
  readonly vocabularySize: number;
  /** Id that ends a document. */
  readonly endOfText: number;
  /** Special and other added tokens, which are one id each, and their ids. */
  readonly specialTokens: ReadonlyMap<string, number>;
  /** Ids of the text. Lone surrogates, which UTF-8 cannot hold, become U+FFFD. */
  encode(text: string, options?: EncodeOptions): Int32Array;
  /**
   * Text of the ids; bytes that are not UTF-8 become U+FFFD as TextDecoder has it.
   * Throws `TokenizerError` (`vocabulary`) for an id that stands for nothing.
   */
  decode(ids: ArrayLike<number>): string;
  /** Decodes one id at a time. The pieces joined are what `decode` gives. */
  decoder(): StreamDecoder;
  /** The same tokenizer as tokenizer.json; `formatTokenizerJson` of @qsparse/formats makes the file's text of it. */
  toJson(): TokenizerJson;
}

/** What tokenizer.json may hold; two ids of this size make one exact number. */
export const MAX_VOCABULARY_SIZE: number = MAX_TOKEN_ID + 1;
