/** The tokenizer that ours must agree with, and text that is hard for both. */
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { type ByteLevel, formatTokenizerJson, type TokenizerJson } from '@qsparse/formats';
import fc from 'fast-check';
import { anyText } from './any-text.ts';

/** As our files have it. */
export const BYTE_LEVEL: ByteLevel = {
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: true,
};

/** GPT-2's pattern with Unicode's white space, as the native library has it; the oracle's own has JavaScript's. */
export const GPT2_PATTERN: RegExp = new RegExp(
  String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
    .replaceAll('\\s', '\\p{White_Space}')
    .replaceAll('\\S', '\\P{White_Space}'),
  'gu',
);

export interface Oracle {
  encode(text: string): number[];
  decode(ids: ArrayLike<number>): string;
}

/** `@huggingface/tokenizers` on the file's text; without `added_tokens` it reads special tokens as plain text. */
export function createOracle(json: TokenizerJson, specialTokens: 'parse' | 'text' = 'parse'): Oracle {
  const file = JSON.parse(formatTokenizerJson(json));
  if (specialTokens === 'text') file.added_tokens = [];
  const oracle = new HuggingFaceTokenizer(file, { clean_up_tokenization_spaces: false });
  if (file.pre_tokenizer?.type === 'ByteLevel')
    Object.assign(oracle.pre_tokenizer!, { pattern: GPT2_PATTERN });
  return {
    encode: (text) => oracle.encode(text).ids,
    // It refuses the empty list.
    decode: (ids) => (ids.length === 0 ? '' : oracle.decode(Array.from(ids))),
  };
}

const PIECES = [
  '<|endoftext|>',
  '<|user|>',
  '<|',
  '|>',
  '<|endoftext|',
  "'s",
  "'ll",
  "it's",
  'the ',
  ' the',
  'and',
  '  ',
  '   x',
  '\r\n',
  '\n',
  '\n\n',
  '\t',
  ' \n ',
  '\u0000',
  '\u0007',
  '\u001b[31m',
  '\u007f',
  '\u0085',
  '\u00a0',
  '\u00ad',
  '\u200b',
  '\u200d',
  '\u2028',
  '\u3000',
  '\ufeff',
  '\ufffd',
  '\ud800',
  '\udfff',
  'e\u0301',
  'é',
  'ñ',
  'ß',
  'İ',
  'ﬁ',
  '½',
  '٣',
  '৪',
  '12',
  '1234567',
  '3.14',
  '👍',
  '👍🏽',
  '👩‍👩‍👧',
  '🇩🇪',
  '𝔘',
  '𐍈',
  '漢字',
  'かな',
  '한국어',
  'עברית',
  'العربية',
  'हिन्दी',
  'ไทย',
  'Ġ',
  'Ċ',
  'Ã©',
  '__proto__',
  'constructor',
  '!!!',
  '...',
  '—',
  '“',
  '_',
  '=>',
  '/*',
];

/** Strings of any code units, and of pieces that sit on the tokenizers' borders. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  anyText(40),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 })
    .map((units) => String.fromCharCode(...units)),
  fc
    .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 3 })), { maxLength: 24 })
    .map((list) => list.join('')),
);

/** As UTF-8 has it: lone surrogates replaced. */
export function wellFormed(text: string): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(text));
}
