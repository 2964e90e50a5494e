// The part of tokenizer.json that turns tokens into text.
import type { ObjectReader } from '../json/object-reader.ts';
import { parseByteLevel } from './parse-byte-level.ts';
import { parseReplace } from './parse-normalizer.ts';
import { parseMetaspace } from './parse-pre-tokenizer.ts';
import type { DecoderStep, TokenDecoder } from './types.ts';

const TYPES = ['ByteLevel', 'Metaspace', 'Replace', 'ByteFallback', 'Fuse', 'Strip'] as const;

/** @throws FormatError naming the key, for every other decoder than those of types.ts. */
export function parseDecoder(reader: ObjectReader): TokenDecoder {
  if (reader.oneOf('type', [...TYPES, 'Sequence']) !== 'Sequence') return parseStep(reader);
  reader.rejectUnknown(['type', 'decoders']);
  const decoders = reader.objects('decoders').map(parseStep);
  // A sequence of one step is that step: readers then see ByteLevel as such.
  return decoders.length === 1 ? decoders[0]! : { type: 'Sequence', decoders };
}

function parseStep(reader: ObjectReader): DecoderStep {
  const type = reader.oneOf('type', TYPES);
  switch (type) {
    case 'ByteLevel':
      return parseByteLevel(reader);
    case 'Metaspace':
      return parseMetaspace(reader);
    case 'Replace':
      return parseReplace(reader);
    case 'Strip':
      reader.rejectUnknown(['type', 'content', 'start', 'stop']);
      return {
        type,
        content: reader.string('content'),
        start: count(reader, 'start'),
        stop: count(reader, 'stop'),
      };
    case 'ByteFallback':
    case 'Fuse':
      reader.rejectUnknown(['type']);
      return { type };
  }
}

const count = (reader: ObjectReader, key: string): number =>
  reader.integer(key, { min: 0, max: 1000, fallback: 0 });
