import { readObject } from '@qsparse/formats';
import { expect, test } from 'vitest';
import { parseByteLevel } from '../../src/tokenizer/parse-byte-level.ts';
import { failure } from '../helpers/outcome.ts';

test('flags as given, true where absent', () => {
  const absent = { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true };
  expect(parseByteLevel(readObject({ type: 'ByteLevel' }, 't'))).toEqual(absent);
  const given = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  expect(parseByteLevel(readObject(given, 't'))).toEqual(given);
});

test('other types, other keys and other values are refused', async () => {
  await failure(() => parseByteLevel(readObject({}, 't')), 'missing-key');
  await failure(() => parseByteLevel(readObject({ type: 'Metaspace' }, 't')), 'value');
  await failure(() => parseByteLevel(readObject({ type: 'ByteLevel', regex: true }, 't')), 'unknown-key');
  await failure(() => parseByteLevel(readObject({ type: 'ByteLevel', use_regex: 1 }, 't')), 'value');
});
