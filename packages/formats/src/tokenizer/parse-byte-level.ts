// ByteLevel stands in three places of tokenizer.json (pre-tokenizer, post-processor, decoder) with the same keys.
import type { ObjectReader } from '../json/object-reader.ts';
import type { ByteLevel } from './types.ts';

/** Absent keys have the defaults of the original implementation: true. */
export function parseByteLevel(reader: ObjectReader): ByteLevel {
  reader.rejectUnknown(['type', 'add_prefix_space', 'trim_offsets', 'use_regex']);
  return {
    type: reader.oneOf('type', ['ByteLevel']),
    add_prefix_space: reader.boolean('add_prefix_space', { fallback: true }),
    trim_offsets: reader.boolean('trim_offsets', { fallback: true }),
    use_regex: reader.boolean('use_regex', { fallback: true }),
  };
}
