import {
  type ByteReader,
  bytesReader,
  type FormatErrorCode,
  MAX_HEADER_BYTES,
  openSafetensors,
} from '@qsparse/formats';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readHeader } from '../../src/safetensors/header.ts';
import { mutatedBytes } from '../helpers/mutated-bytes.ts';
import { failure, successOrFormatError } from '../helpers/outcome.ts';
import { entry, rawFile } from '../helpers/raw-safetensors.ts';

const open = (bytes: Uint8Array, options = {}) =>
  openSafetensors(bytesReader(bytes, 'm.safetensors'), options);
const f32 = (name: string, begin: number, end: number, shape = [(end - begin) / 4]) =>
  entry(name, 'F32', shape, [begin, end]);

test('a right file: tensors in the order of the data, offsets from the start of the file', async () => {
  const header = `{${f32('b', 8, 16, [1, 2])},"__metadata__":{"format":"pt"},${f32('a', 0, 8)}}   `;
  const { metadata, tensors } = await open(rawFile(header, 16));
  expect([...tensors.keys()]).toEqual(['a', 'b']);
  const byteOffset = 8 + header.length + 8;
  expect(tensors.get('b')).toEqual({ name: 'b', dtype: 'f32', shape: [1, 2], byteOffset, byteLength: 8 });
  expect(metadata.get('format')).toBe('pt');
});

test('scalars, empty tensors and empty files', async () => {
  const header = `{${entry('s', 'I64', [], [0, 8])},${entry('e', 'F32', [0, 3], [8, 8])},${entry('e2', 'U8', [0], [0, 0])}}`;
  expect([...(await open(rawFile(header, 8))).tensors.keys()]).toEqual(['e2', 's', 'e']);
  expect((await open(rawFile('{}'))).tensors.size).toBe(0);
  expect((await open(rawFile('{"__metadata__":null}'))).metadata.size).toBe(0);
});

describe('refused', () => {
  const wrong: [string, Uint8Array, FormatErrorCode][] = [
    ['an empty file', new Uint8Array(), 'truncated'],
    ['7 bytes', new Uint8Array(7), 'truncated'],
    ['a header of no bytes', rawFile(''), 'header'],
    ['a header longer than the file', rawFile('{}', 0, 3n), 'truncated'],
    ['a header over the limit', rawFile('{}', 0, 100_000_001n), 'header'],
    ['a header of 2^64 - 1 bytes', rawFile('{}', 0, 2n ** 64n - 1n), 'header'],
    ['a header of 2^53 bytes', rawFile('{}', 0, 2n ** 53n), 'header'],
    ['text', new TextEncoder().encode('<!DOCTYPE html><html></html>'), 'header'],
    ['a header that begins with a space', rawFile(' {}'), 'header'],
    ['a byte order mark', rawFile('\ufeff{}'), 'header'],
    ['an array', rawFile('[]'), 'header'],
    ['bad UTF-8', rawFile(Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), 'encoding'],
    ['JSON cut off', rawFile('{"a":{"dtype"'), 'json'],
    ['zeros after the JSON', rawFile('{}\0\0'), 'json'],
    ['deep nesting', rawFile(`{"a":${'['.repeat(1e5)}`), 'too-deep'],
    ['metadata that is no object', rawFile('{"__metadata__":["x"]}'), 'value'],
    ['metadata that is no text', rawFile('{"__metadata__":{"a":"b","c":1}}'), 'value'],
    ['duplicate metadata', rawFile('{"__metadata__":{"a":"1","a":"2"}}'), 'duplicate-key'],
    ['two tensors of one name', rawFile(`{${f32('a', 0, 4)},${f32('a', 0, 4)}}`, 4), 'duplicate-key'],
    ['bytes after the last tensor', rawFile(`{${f32('a', 0, 4)}}`, 5), 'trailing'],
    ['data without tensors', rawFile('{}', 1), 'trailing'],
  ];
  test.each(wrong)('%s', async (_, bytes, code) => {
    const error = await failure(() => open(bytes), code);
    expect(error.message).toContain('m.safetensors');
  });

  const wrongTensor: [string, string, number, FormatErrorCode][] = [
    ['an entry that is no object', '"t":[1]', 0, 'value'],
    ['an entry of null', '"t":null', 0, 'value'],
    [
      'an unknown field',
      '"t":{"dtype":"U8","shape":[],"data_offsets":[0,1],"strides":[1]}',
      1,
      'unknown-key',
    ],
    ['no dtype', '"t":{"shape":[],"data_offsets":[0,1]}', 1, 'dtype'],
    ['an unknown dtype', entry('t', 'F33', [1], [0, 4]), 4, 'dtype'],
    ['a dtype in lower case', entry('t', 'f32', [1], [0, 4]), 4, 'dtype'],
    ['a dtype that is no text', entry('t', 4, [1], [0, 4]), 4, 'dtype'],
    ['no shape', '"t":{"dtype":"U8","data_offsets":[0,1]}', 1, 'shape'],
    ['a shape that is no array', entry('t', 'U8', 1, [0, 1]), 1, 'shape'],
    ['a negative size', entry('t', 'U8', [-1], [0, 1]), 1, 'shape'],
    ['two negative sizes', entry('t', 'U8', [-1, -1], [0, 1]), 1, 'shape'],
    ['a fraction of a size', entry('t', 'U8', [0.5, 2], [0, 1]), 1, 'shape'],
    ['a size of text', entry('t', 'U8', ['1'], [0, 1]), 1, 'shape'],
    ['a product that overflows', entry('t', 'U8', [2 ** 32, 2 ** 32], [0, 1]), 1, 'shape'],
    ['a product that wraps to 0 in 64 bits', entry('t', 'U8', [2 ** 32, 2 ** 32], [0, 0]), 0, 'shape'],
    ['no offsets', '"t":{"dtype":"U8","shape":[]}', 1, 'offsets'],
    ['one offset', entry('t', 'U8', [1], [0]), 1, 'offsets'],
    ['three offsets', entry('t', 'U8', [1], [0, 1, 2]), 1, 'offsets'],
    ['a negative offset', entry('t', 'U8', [1], [-1, 0]), 1, 'offsets'],
    ['a minus zero', '"t":{"dtype":"U8","shape":[1],"data_offsets":[-0,1]}', 1, 'offsets'],
    ['half an offset', entry('t', 'U8', [1], [0.5, 1.5]), 1, 'offsets'],
    ['an offset of text', entry('t', 'U8', [1], ['0', '1']), 1, 'offsets'],
    [
      'an offset beyond 2^53',
      '"t":{"dtype":"U8","shape":[1],"data_offsets":[9007199254740992,9007199254740993]}',
      1,
      'offsets',
    ],
    ['an end before the beginning', entry('t', 'U8', [1], [1, 0]), 1, 'offsets'],
    ['too few bytes for the shape', entry('t', 'F32', [2], [0, 4]), 4, 'byte-count'],
    ['too many bytes for the shape', entry('t', 'F32', [1], [0, 8]), 8, 'byte-count'],
    ['bytes for an empty shape', entry('t', 'F32', [0], [0, 4]), 4, 'byte-count'],
    ['an end outside of the file', entry('t', 'U8', [5], [0, 5]), 4, 'truncated'],
    ['a claim of a terabyte', entry('t', 'F32', [2 ** 38], [0, 2 ** 40]), 4, 'truncated'],
    [
      'data not aligned to the dtype',
      `${entry('x', 'U8', [1], [0, 1])},${entry('t', 'F32', [1], [1, 5])}`,
      5,
      'offsets',
    ],
    ['a gap at the beginning', f32('t', 4, 8), 8, 'gap'],
    ['a gap between tensors', `${f32('x', 0, 4)},${f32('t', 8, 12)}`, 12, 'gap'],
    ['an overlap', `${f32('x', 0, 8)},${f32('t', 4, 12)}`, 12, 'overlap'],
    ['two tensors on the same bytes', `${f32('s', 0, 4)},${f32('t', 0, 4)}`, 4, 'overlap'],
    ['an empty tensor inside another', `${f32('x', 0, 8)},${entry('t', 'F32', [0], [4, 4])}`, 8, 'overlap'],
    ['a field twice', '"t":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}', 1, 'duplicate-key'],
  ];
  test.each(wrongTensor)('%s', async (_, entries, dataBytes, code) => {
    const error = await failure(() => open(rawFile(`{${entries}}`, dataBytes)), code);
    expect(error.message).toContain('m.safetensors');
    if (code !== 'duplicate-key') {
      expect(error.tensor).toBe('t');
      expect(error.message).toContain('tensor "t"');
    }
  });
});

test('an old file whose data is not aligned is read when that is allowed', async () => {
  const header = `{${entry('x', 'U8', [1], [0, 1])},${entry('t', 'F32', [1], [1, 5])}}`;
  const store = await open(rawFile(header, Uint8Array.of(9, 0, 0, 128, 63)), { allowMisaligned: true });
  expect((await store.read('t')).data).toEqual(Float32Array.of(1));
});

test('nothing is read or allocated by what the header claims', async () => {
  const reads: number[] = [];
  const watch = (bytes: Uint8Array, size = bytes.length): ByteReader => ({
    name: 'watched',
    size,
    async read(offset, length) {
      reads.push(length);
      return bytes.slice(offset, offset + length);
    },
  });
  await failure(() => readHeader(watch(rawFile('{}', 0, BigInt(MAX_HEADER_BYTES)))), 'truncated');
  await failure(() => readHeader(watch(rawFile('{}', 0, 2n ** 40n), 2 ** 50)), 'header');
  expect(reads).toEqual([8, 8]);
  for (const size of [-1, Number.NaN, 1.5, Infinity])
    await failure(() => readHeader(watch(rawFile('{}'), size)), 'io');
});

describe('fuzz: a header or a clear error', () => {
  const valid = rawFile(
    `{"__metadata__":{"k":"v"},${f32('a', 0, 8)},${entry('b', 'BF16', [2, 2], [8, 16])}} `,
    16,
  );

  test('random bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async (bytes) => {
        await successOrFormatError(() => open(bytes));
      }),
    );
  });

  test('random bytes as a header of the right length', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), fc.nat(8), async (bytes, data) => {
        await successOrFormatError(() => open(rawFile(bytes, data)));
      }),
    );
  });

  test('random JSON in every place', async () => {
    const field = fc.oneof(fc.json({ maxDepth: 2 }), fc.constantFrom('"F32"', '[2]', '[0,8]', '{}'));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom('dtype', 'shape', 'data_offsets'), field)),
        async (fields) => {
          const text = fields.map(([key, value]) => `"${key}":${value}`).join(',');
          await successOrFormatError(() => open(rawFile(`{"a":{${text}}}`, 8)));
        },
      ),
    );
  });

  test('damaged files; what is accepted tiles the file exactly', async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(mutatedBytes(valid), async (bytes) => {
        const store = await successOrFormatError(() => open(bytes));
        if (store === undefined) refused += 1;
        let end: number | undefined;
        for (const { byteOffset, byteLength } of store?.tensors.values() ?? []) {
          if (end !== undefined) expect(byteOffset).toBe(end);
          end = byteOffset + byteLength;
        }
        if (end !== undefined) expect(end).toBe(bytes.length);
      }),
      { numRuns: 1000 },
    );
    expect(refused).toBeGreaterThan(300);
  });
});
