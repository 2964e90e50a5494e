// The part of tokenizer.json that divides a text into pieces, which no token crosses.
import type { ObjectReader } from '../json/object-reader.ts';
import { parseByteLevel } from './parse-byte-level.ts';
import type { Digits, Metaspace, PreTokenizer, PreTokenizerStep, Split, SplitPattern } from './types.ts';

const BEHAVIORS = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'] as const;
const SCHEMES = ['always', 'first', 'never'] as const;

/**
 * @param byteLevel whether the decoder is ByteLevel: then the last step here must be, and no other may
 * @throws FormatError naming the key
 */
export function parsePreTokenizer(reader: ObjectReader | null, byteLevel: boolean): PreTokenizer | null {
  if (reader === null) return null;
  const types = typesAt(byteLevel, true);
  if (reader.oneOf('type', [...types, 'Sequence']) !== 'Sequence') return parseStep(reader, types);
  reader.rejectUnknown(['type', 'pretokenizers']);
  const steps = reader.objects('pretokenizers');
  if (steps.length === 0) throw reader.invalid('pretokenizers', 'a list of at least one step');
  const pretokenizers = steps.map((step, at) => parseStep(step, typesAt(byteLevel, at === steps.length - 1)));
  return { type: 'Sequence', pretokenizers };
}

type StepType = PreTokenizerStep['type'];

function typesAt(byteLevel: boolean, last: boolean): readonly StepType[] {
  if (!byteLevel) return ['Split', 'Digits', 'Metaspace'];
  return last ? ['ByteLevel'] : ['Split', 'Digits'];
}

function parseStep(reader: ObjectReader, types: readonly StepType[]): PreTokenizerStep {
  switch (reader.oneOf('type', types)) {
    case 'ByteLevel':
      return parseByteLevel(reader);
    case 'Split':
      return parseSplit(reader);
    case 'Digits':
      return parseDigits(reader);
    case 'Metaspace':
      return parseMetaspace(reader);
  }
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

/** Of a pre-tokenizer or a decoder. Early files say `add_prefix_space` instead of `prepend_scheme`. */
export function parseMetaspace(reader: ObjectReader): Metaspace {
  reader.rejectUnknown(['type', 'replacement', 'str_rep', 'add_prefix_space', 'prepend_scheme', 'split']);
  const replacement = reader.string('replacement', { fallback: '▁' });
  if ([...replacement].length !== 1) throw reader.invalid('replacement', 'one character');
  reader.oneOf('str_rep', [replacement], { fallback: replacement });
  const prefix = reader.boolean('add_prefix_space', { fallback: true });
  return {
    type: reader.oneOf('type', ['Metaspace']),
    replacement,
    prepend_scheme: prefix
      ? reader.oneOf('prepend_scheme', SCHEMES, { fallback: 'always' })
      : reader.oneOf('prepend_scheme', ['never'], { fallback: 'never' }),
    split: reader.boolean('split', { fallback: true }),
  };
}
