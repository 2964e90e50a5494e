/** What a tokenizer is: text to token ids and back, and a tokenizer.json that says the same to other programs. */
import { MAX_TOKEN_ID, type TokenizerJson } from '@qsparse/formats';

export interface EncodeOptions {
  /**
   * What to do where the text spells a special token: `parse` (default, as Hugging Face does) gives its id;
   * `text` encodes the letters, for text that must not be able to end a document or a turn.
   */
  readonly specialTokens?: 'parse' | 'text';
  /**
   * Whether to put around the text what the model was trained to see there, by its own files: for many a beginning of
   * text. Default true; false for a part of a text and for what a chat template made. Ours have nothing to add.
   */
  readonly addSpecialTokens?: boolean;
  /**
   * A character that does not belong to the text and is taken out of it, but only after special tokens were found: put
   * inside of one it keeps it text, in a text whose other special tokens mean what they are.
   */
  readonly guard?: string;
}

export interface DecodeOptions {
  /** `text` (default) spells special tokens, `skip` leaves them out. Other added tokens are always spelled. */
  readonly specialTokens?: 'text' | 'skip';
}

export interface DecoderOptions extends DecodeOptions {
  /**
   * Ids that come before: the prompt of a generated text. Tokenizers that mark words take the first mark of a text for
   * no space; only by what comes before can a decoder know that its first token is not the first of the text.
   */
  readonly after?: ArrayLike<number>;
}

export interface StreamDecoder {
  /** The text that this id completes; empty while a character is incomplete. Throws like `decode`. */
  push(id: number): string;
  /** What is left: U+FFFD for an incomplete character, otherwise nothing. The decoder can be used again. */
  flush(): string;
}

export interface Tokenizer {
  /** Ids are below this. A model's embedding may have more rows, never fewer: see `checkVocabulary`. */
  readonly vocabularySize: number;
  /** Id that begins a text, for models that have one. */
  readonly beginOfText: number | undefined;
  /** Id that ends a document. */
  readonly endOfText: number;
  /** Ids that end what a model writes: the end of text, and what the model's files name beside it. */
  readonly stopTokens: readonly number[];
  /** Special and other added tokens, which are one id each, and their ids. */
  readonly specialTokens: ReadonlyMap<string, number>;
  /** Ids of the text. Lone surrogates, which UTF-8 cannot hold, become U+FFFD. */
  encode(text: string, options?: EncodeOptions): Int32Array;
  /**
   * Text of the ids; bytes that are not UTF-8 become U+FFFD as TextDecoder has it.
   * Throws `TokenizerError` (`vocabulary`) for an id that stands for nothing.
   */
  decode(ids: ArrayLike<number>, options?: DecodeOptions): string;
  /** Decodes one id at a time. The pieces joined are what `decode` gives. */
  decoder(options?: DecoderOptions): StreamDecoder;
  /** The same tokenizer as tokenizer.json; `formatTokenizerJson` of @qsparse/formats makes the file's text of it. */
  toJson(): TokenizerJson;
}

/** What tokenizer.json may hold; two ids of this size make one exact number. */
export const MAX_VOCABULARY_SIZE: number = MAX_TOKEN_ID + 1;
