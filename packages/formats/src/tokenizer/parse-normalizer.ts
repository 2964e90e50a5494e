// The part of tokenizer.json that changes a text before it is divided.
import type { ObjectReader } from '../json/object-reader.ts';
import type { Normalizer, NormalizerStep, Replace } from './types.ts';

const TYPES = ['NFC', 'NFD', 'NFKC', 'NFKD', 'Prepend', 'Replace'] as const;

/** @throws FormatError naming the key, for every other normalizer than those of types.ts. */
export function parseNormalizer(reader: ObjectReader | null): Normalizer | null {
  if (reader === null) return null;
  if (reader.oneOf('type', [...TYPES, 'Sequence']) !== 'Sequence') return parseStep(reader);
  reader.rejectUnknown(['type', 'normalizers']);
  return { type: 'Sequence', normalizers: reader.objects('normalizers').map(parseStep) };
}

function parseStep(reader: ObjectReader): NormalizerStep {
  const type = reader.oneOf('type', TYPES);
  if (type === 'Replace') return parseReplace(reader);
  if (type === 'Prepend') {
    reader.rejectUnknown(['type', 'prepend']);
    return { type, prepend: reader.string('prepend') };
  }
  reader.rejectUnknown(['type']);
  return { type };
}

/** Of a normalizer or a decoder. Patterns are plain text: no model of the two forms replaces by regular expression. */
export function parseReplace(reader: ObjectReader): Replace {
  reader.rejectUnknown(['type', 'pattern', 'content']);
  const pattern = reader.object('pattern');
  pattern.rejectUnknown(['String']);
  const text = pattern.string('String');
  if (text === '') throw pattern.invalid('String', 'text of at least one character');
  return { type: 'Replace', pattern: { String: text }, content: reader.string('content') };
}
