// How texts are divided before byte-level BPE: llama.cpp knows a few ways by name (`tokenizer.ggml.pre`), tokenizer.json
// spells them out. Those that are the same are here; any other is refused, since its texts would become other tokens.
import type { Normalizer, PreTokenizer, TokenizerJson } from '../tokenizer/types.ts';

export interface NamedPreTokenizer {
  /** Its names in files, the one to write first. */
  readonly names: readonly [string, ...string[]];
  readonly pre_tokenizer: PreTokenizer;
  readonly normalizer: Normalizer | null;
  /** As BpeModel has it; llama.cpp decides it by the name. */
  readonly ignore_merges: boolean;
  /** Whether a text begins with the beginning-of-text token where the file does not say. */
  readonly addsBeginOfText: boolean;
}

/** ByteLevel with GPT-2's pattern. */
const GPT2 = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true } as const;

const split = (Regex: string): PreTokenizer => ({
  type: 'Sequence',
  pretokenizers: [
    { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false },
    { ...GPT2, use_regex: false },
  ],
});

const WORDS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+";
const REST = ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';

const PRE_TOKENIZERS: readonly NamedPreTokenizer[] = [
  {
    names: ['gpt-2'],
    pre_tokenizer: GPT2,
    normalizer: null,
    ignore_merges: false,
    addsBeginOfText: false,
  },
  {
    names: ['llama-bpe', 'llama3', 'llama-v3'],
    pre_tokenizer: split(`${WORDS}|\\p{N}{1,3}|${REST}`),
    normalizer: null,
    ignore_merges: true,
    addsBeginOfText: true,
  },
  {
    names: ['qwen2'],
    pre_tokenizer: split(`${WORDS}|\\p{N}|${REST}`),
    normalizer: { type: 'NFC' },
    ignore_merges: false,
    addsBeginOfText: false,
  },
  {
    names: ['smollm'],
    pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits: true }, GPT2] },
    normalizer: null,
    ignore_merges: false,
    addsBeginOfText: false,
  },
];

/** The names that files may have here. */
export const PRE_TOKENIZER_NAMES: readonly string[] = PRE_TOKENIZERS.flatMap(({ names }) => names);

export function preTokenizerNamed(name: string): NamedPreTokenizer | undefined {
  return PRE_TOKENIZERS.find(({ names }) => names.includes(name));
}

/** The one that divides texts as this tokenizer does, or undefined. */
export function preTokenizerOf({
  model,
  normalizer,
  pre_tokenizer,
}: TokenizerJson): NamedPreTokenizer | undefined {
  return PRE_TOKENIZERS.find(
    (each) =>
      each.ignore_merges === model.ignore_merges &&
      sameMeaning(each.pre_tokenizer, pre_tokenizer) &&
      sameMeaning(each.normalizer, normalizer),
  );
}

/** `trim_offsets` only tells where tokens lie in a text. */
function sameMeaning(a: unknown, b: unknown): boolean {
  const text = (value: unknown) =>
    JSON.stringify(value, (key, each) => (key === 'trim_offsets' ? undefined : sortedKeys(each)));
  return text(a) === text(b);
}

function sortedKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
