// tokenizer.json in the two forms that language models have it: byte-level BPE (GPT-2, Llama 3, Qwen, and what this
// project trains) and SentencePiece's BPE (Llama 2, Mistral). Keys are the file's own. The algorithm is not here.
import type { JsonObject } from '../json/parse.ts';

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly single_word: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly normalized: boolean;
  /** Special tokens can be left out when text is decoded. */
  readonly special: boolean;
}

export interface UnicodeNormalizer {
  readonly type: 'NFC' | 'NFD' | 'NFKC' | 'NFKD';
}

/** Puts text before every text that is not empty: the word mark of SentencePiece. */
export interface Prepend {
  readonly type: 'Prepend';
  readonly prepend: string;
}

/** In a normalizer as in a decoder: every occurrence of the pattern becomes the content. */
export interface Replace {
  readonly type: 'Replace';
  readonly pattern: { readonly String: string };
  readonly content: string;
}

export type NormalizerStep = UnicodeNormalizer | Prepend | Replace;

export type Normalizer =
  | NormalizerStep
  | { readonly type: 'Sequence'; readonly normalizers: readonly NormalizerStep[] };

/** Text to characters of the byte alphabet; with `use_regex`, divided as GPT-2 divides it first. */
export interface ByteLevel {
  readonly type: 'ByteLevel';
  readonly add_prefix_space: boolean;
  readonly trim_offsets: boolean;
  readonly use_regex: boolean;
}

export type SplitPattern = { readonly Regex: string } | { readonly String: string };

export interface Split {
  readonly type: 'Split';
  readonly pattern: SplitPattern;
  readonly behavior: 'Removed' | 'Isolated' | 'MergedWithPrevious' | 'MergedWithNext' | 'Contiguous';
  readonly invert: boolean;
}

export interface Digits {
  readonly type: 'Digits';
  readonly individual_digits: boolean;
}

/** Spaces to the word mark `replacement`. As a decoder: back again, without the mark that was put in front. */
export interface Metaspace {
  readonly type: 'Metaspace';
  /** One character, `▁`. */
  readonly replacement: string;
  /** Whether a mark is put in front of a text without one: always, only where the input begins, or never. */
  readonly prepend_scheme: 'always' | 'first' | 'never';
  /** Whether every mark begins a piece of its own. */
  readonly split: boolean;
}

export type PreTokenizerStep = ByteLevel | Split | Digits | Metaspace;

/** In the byte-level form the last step is ByteLevel and no other is; in SentencePiece's form none is. */
export type PreTokenizer =
  | PreTokenizerStep
  | { readonly type: 'Sequence'; readonly pretokenizers: readonly PreTokenizerStep[] };

/** Tokens such as `<0x0A>` are bytes. */
export interface ByteFallback {
  readonly type: 'ByteFallback';
}

/** Joins all tokens: steps after it see the whole text. */
export interface Fuse {
  readonly type: 'Fuse';
}

/** Takes up to `start` times `content` off the front, `stop` times off the end. */
export interface Strip {
  readonly type: 'Strip';
  readonly content: string;
  readonly start: number;
  readonly stop: number;
}

export type DecoderStep = ByteLevel | Metaspace | Replace | ByteFallback | Fuse | Strip;

export type TokenDecoder =
  | DecoderStep
  | { readonly type: 'Sequence'; readonly decoders: readonly DecoderStep[] };

export type TemplatePiece =
  | { readonly SpecialToken: { readonly id: string; readonly type_id: number } }
  | { readonly Sequence: { readonly id: 'A' | 'B'; readonly type_id: number } };

export interface TemplateToken {
  readonly id: string;
  readonly ids: readonly number[];
  readonly tokens: readonly string[];
}

/** Puts special tokens around the text: a beginning-of-text token, for one. */
export interface TemplateProcessing {
  readonly type: 'TemplateProcessing';
  readonly single: readonly TemplatePiece[];
  readonly pair: readonly TemplatePiece[];
  readonly special_tokens: ReadonlyMap<string, TemplateToken>;
}

export type PostProcessor =
  | ByteLevel
  | TemplateProcessing
  | { readonly type: 'Sequence'; readonly processors: readonly (ByteLevel | TemplateProcessing)[] };

export interface BpeModel {
  readonly type: 'BPE';
  readonly dropout: number | null;
  readonly unk_token: string | null;
  readonly fuse_unk: boolean;
  readonly byte_fallback: boolean;
  /** A word that is a token as a whole skips the merges. */
  readonly ignore_merges: boolean;
  /** Token to id, in the order of ids. A Map, because "constructor" and "__proto__" are words too. */
  readonly vocab: ReadonlyMap<string, number>;
  /** In the order in which they are applied. */
  readonly merges: readonly (readonly [string, string])[];
}

export interface TokenizerJson {
  readonly version: '1.0';
  readonly truncation: JsonObject | null;
  readonly padding: JsonObject | null;
  readonly added_tokens: readonly AddedToken[];
  readonly normalizer: Normalizer | null;
  readonly pre_tokenizer: PreTokenizer | null;
  readonly post_processor: PostProcessor | null;
  /** ByteLevel alone marks the byte-level form. */
  readonly decoder: TokenDecoder;
  readonly model: BpeModel;
}
