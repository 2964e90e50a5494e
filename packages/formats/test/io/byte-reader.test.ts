import { type ByteReader, blobReader, bytesReader } from '@qsparse/formats';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allocateBytes, readExactly } from '../../src/io/byte-reader.ts';
import { failure } from '../helpers/outcome.ts';

const BYTES = Uint8Array.from({ length: 50 }, (_, i) => i * 5);
const READERS: Record<string, () => ByteReader> = {
  bytes: () => bytesReader(BYTES),
  'a view into a larger buffer': () => bytesReader(new Uint8Array([9, 9, ...BYTES, 9]).subarray(2, 52)),
  buffer: () => bytesReader(BYTES.slice().buffer),
  blob: () => blobReader(new Blob([BYTES])),
};

test.each(Object.entries(READERS))('%s: every range, and none outside', async (_, open) => {
  const reader = open();
  expect(reader.size).toBe(50);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: -2, max: 60 }),
      fc.integer({ min: -2, max: 60 }),
      async (offset, length) => {
        const inside = offset >= 0 && length >= 0 && offset + length <= 50;
        if (inside) expect(await reader.read(offset, length)).toEqual(BYTES.slice(offset, offset + length));
        else await failure(() => reader.read(offset, length), 'range');
      },
    ),
    { numRuns: 60 },
  );
  for (const odd of [0.5, Number.NaN, Infinity, 2 ** 53]) await failure(() => reader.read(odd, 1), 'range');
});

test.each(Object.entries(READERS))('%s: an aborted signal is thrown as it came', async (_, open) => {
  const reason = new Error('enough');
  await expect(open().read(0, 1, AbortSignal.abort(reason))).rejects.toBe(reason);
});

test('what is read belongs to the caller', async () => {
  const source = Uint8Array.of(1, 2, 3);
  const read = await bytesReader(source).read(0, 3);
  read.fill(0);
  expect(source).toEqual(Uint8Array.of(1, 2, 3));
});

test('a file brings its name, a reader that cannot read says which', async () => {
  expect(blobReader(new File([BYTES], 'model.safetensors')).name).toBe('model.safetensors');
  expect(blobReader(new Blob([])).name).toBe('blob');
  const gone = Object.assign(new Blob([BYTES]), {
    slice: () => ({ arrayBuffer: () => Promise.reject(new DOMException('gone', 'NotReadableError')) }),
  }) as unknown as Blob;
  const error = await failure(() => blobReader(gone, 'x.bin').read(0, 1), 'io');
  expect(error.message).toContain('x.bin: 1 bytes at 0');
});

test('a reader that returns too little or too much is caught', async () => {
  for (const wrong of [0, 3, 5]) {
    const reader: ByteReader = { name: 'odd', size: 10, read: async () => new Uint8Array(wrong) };
    const error = await failure(() => readExactly(reader, 2, 4), 'truncated');
    expect(error.message).toContain(`odd: 4 bytes at 2 are required, got ${wrong}`);
  }
});

test('memory that the machine does not have is a clear error', async () => {
  const error = await failure(() => allocateBytes('huge.bin', 2 ** 52), 'memory');
  expect(error.message).toContain('huge.bin: no room for 4503599627370496 bytes');
});
