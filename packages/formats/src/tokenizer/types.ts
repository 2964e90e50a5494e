// tokenizer.json in the form that byte-level BPE models have it (GPT-2, Llama 3, Qwen, and what this project trains).
// Keys are the file's own. The tokenizer's algorithm is not here.
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

/** The last step is always ByteLevel, and no other is. */
export type PreTokenizer =
  | ByteLevel
  | { readonly type: 'Sequence'; readonly pretokenizers: readonly (Split | Digits | ByteLevel)[] };

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
  readonly normalizer: UnicodeNormalizer | null;
  readonly pre_tokenizer: PreTokenizer;
  readonly post_processor: PostProcessor | null;
  readonly decoder: ByteLevel;
  readonly model: BpeModel;
}
