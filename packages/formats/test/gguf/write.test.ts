import { readFile } from 'node:fs/promises';
import { bytesReader, type FormatErrorCode, memorySink } from '@qsparse/formats';
import {
  float32ToGguf,
  type GgufArray,
  type GgufTensorToWrite,
  type GgufValue,
  type GgufWriteOptions,
  ggufToFloat32,
  openGguf,
  writeGguf,
} from '@qsparse/formats/gguf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { metadata, tensorSet } from '../helpers/arbitrary-gguf.ts';
import { failure } from '../helpers/outcome.ts';
import { writtenGguf } from '../helpers/written-gguf.ts';

/** A file that was read, as what the writer takes. */
async function copyOf(bytes: Uint8Array): Promise<[GgufTensorToWrite[], GgufWriteOptions]> {
  const { tensors, metadata: entries, version, read } = await openGguf(bytesReader(bytes));
  const copies = await Promise.all([...tensors.keys()].map((name) => read(name)));
  return [
    copies.map(({ name, type, shape, bytes: data }) => ({ name, type, shape, data })),
    { metadata: entries, version },
  ];
}

test('round trip: every value, type, shape, name and bit; written again it is the same file', async () => {
  await fc.assert(
    fc.asyncProperty(tensorSet, metadata, fc.constantFrom(2, 3), async (tensors, entries, version) => {
      const bytes = await writtenGguf(tensors, { metadata: entries, version });
      const file = await openGguf(bytesReader(bytes));
      expect(file.version).toBe(version);
      expect([...file.metadata]).toEqual([...entries]);
      expect([...file.tensors.keys()]).toEqual(tensors.map(({ name }) => name));
      for (const { name, type, shape, data } of tensors) {
        const { byteOffset } = file.tensors.get(name)!;
        expect(byteOffset % file.alignment).toBe(0);
        expect(await file.read(name)).toMatchObject({ name, type, shape, bytes: data });
      }
      expect(await writtenGguf(...(await copyOf(bytes)))).toEqual(bytes);
    }),
    { numRuns: 60 },
  );
});

test("a file of llama.cpp's Python library is written back byte for byte", async () => {
  const original = new Uint8Array(await readFile(new URL('../fixtures/gguf-py.gguf', import.meta.url)));
  expect(await writtenGguf(...(await copyOf(original)))).toEqual(original);
});

test('numbers are converted, bits are taken as they are', async () => {
  // Every type holds these exactly.
  const values = Float32Array.from({ length: 512 }, (_, i) => 127 * ((i % 3) - 1));
  const types = ['F32', 'F16', 'BF16', 'Q8_0', 'TQ1_0', 'TQ2_0'] as const;
  const file = await openGguf(
    bytesReader(
      await writtenGguf([
        ...types.map((type) => ({ name: type, type, shape: [2, 256], data: () => values })),
        { name: 'bits', type: 'BF16', shape: [2], data: Uint16Array.of(0x3f80, 0xc000) },
      ]),
    ),
  );
  for (const type of types) {
    const tensor = await file.read(type);
    expect(tensor.bytes).toEqual(new Uint8Array(float32ToGguf(type, values).slice().buffer));
    expect(ggufToFloat32(tensor)).toEqual(values);
  }
  expect(ggufToFloat32(await file.read('bits'))).toEqual(Float32Array.of(1, -2));
});

test('a large tensor is converted in pieces, late ones are asked for one after the other', async () => {
  const log: string[] = [];
  const late = (name: string, elements: number): GgufTensorToWrite => ({
    name,
    type: 'Q8_0',
    shape: [elements],
    data: async () => {
      log.push(`load ${name}`);
      return new Float32Array(elements);
    },
  });
  let largest = 0;
  const sink = {
    write: async (bytes: Uint8Array) => {
      largest = Math.max(largest, bytes.length);
      if (bytes.length > 32) log.push('write');
    },
  };
  await writeGguf(sink, [late('a', 3 * 2 ** 20), late('b', 64)]);
  expect(log).toEqual(['write', 'load a', 'write', 'write', 'write', 'load b', 'write']);
  expect(largest).toBeLessThan(1.2 * 2 ** 20);
});

test('views and shared memory are written as their elements', async () => {
  const shared = new Float32Array(new SharedArrayBuffer(8));
  shared.set([1, 2]);
  const view = new Float32Array([9, 1, 2]).subarray(1);
  const write = (data: Float32Array, type: 'F32' | 'F16') =>
    writtenGguf([{ name: 'a', type, shape: [2], data }]);
  for (const type of ['F32', 'F16'] as const) {
    const plain = await write(Float32Array.of(1, 2), type);
    expect(await write(shared, type)).toEqual(plain);
    expect(await write(view, type)).toEqual(plain);
  }
});

describe('refused before the first byte', () => {
  const good: GgufTensorToWrite = { name: 't', type: 'F32', shape: [2], data: new Float32Array(2) };
  const text = (value: unknown) => ({ type: 'string', value }) as GgufValue;
  let deep: GgufArray = { type: 'array', of: 'u8', value: new Uint8Array(1) };
  for (let level = 0; level < 4; level++) deep = { type: 'array', of: 'array', value: [deep] };
  const wrong: [string, GgufTensorToWrite[], GgufWriteOptions, FormatErrorCode][] = [
    ['two of one name', [good, good], {}, 'duplicate-key'],
    ['no name', [{ ...good, name: '' }], {}, 'value'],
    ['a name that llama.cpp cannot hold', [{ ...good, name: 'ä'.repeat(32) }], {}, 'value'],
    ['a name without UTF-8 form', [{ ...good, name: 'a\ud800' }], {}, 'value'],
    ['an unknown type', [{ ...good, type: 'f32' as never }], {}, 'dtype'],
    ['a type from the prototype', [{ ...good, type: 'toString' as never }], {}, 'dtype'],
    [
      'numbers for a type that is only copied',
      [{ ...good, type: 'Q4_0', shape: [32], data: new Float32Array(32) }],
      {},
      'dtype',
    ],
    ['bits for float32', [{ ...good, data: new Uint16Array(4) }], {}, 'dtype'],
    ['an array of another class', [{ ...good, data: new Int32Array(2) as never }], {}, 'dtype'],
    ['no array', [{ ...good, data: [1, 2] as never }], {}, 'dtype'],
    ['too few elements', [{ ...good, data: new Float32Array(1) }], {}, 'byte-count'],
    ['too many bytes', [{ ...good, data: new Uint8Array(9) }], {}, 'byte-count'],
    [
      'a row that ends in a block',
      [{ ...good, type: 'Q8_0', shape: [2, 16], data: new Float32Array(32) }],
      {},
      'shape',
    ],
    ['five dimensions', [{ ...good, shape: [1, 1, 1, 1, 2] }], {}, 'shape'],
    ['a negative size', [{ ...good, shape: [-2] }], {}, 'shape'],
    ['another version', [good], { version: 1 as never }, 'value'],
    ['an empty key', [good], { metadata: { '': text('x') } }, 'value'],
    ['text without UTF-8 form', [good], { metadata: { a: text('\udfff') } }, 'value'],
    ['a number as text', [good], { metadata: { a: text(1) } }, 'value'],
    ['an unknown type of value', [good], { metadata: { a: { type: 'uint8', value: 1 } as never } }, 'value'],
    ['an integer beyond its type', [good], { metadata: { a: { type: 'u8', value: 256 } } }, 'value'],
    ['a fraction as integer', [good], { metadata: { a: { type: 'i32', value: 0.5 } } }, 'value'],
    ['a number as bigint', [good], { metadata: { a: { type: 'u64', value: 1 as never } } }, 'value'],
    ['a bigint beyond its type', [good], { metadata: { a: { type: 'u64', value: -1n } } }, 'value'],
    ['0 as truth value', [good], { metadata: { a: { type: 'bool', value: 0 as never } } }, 'value'],
    [
      '2 among truth values',
      [good],
      { metadata: { a: { type: 'array', of: 'bool', value: Uint8Array.of(2) } } },
      'value',
    ],
    [
      'a list for a typed array',
      [good],
      { metadata: { a: { type: 'array', of: 'u8', value: [1] as never } } },
      'value',
    ],
    [
      'numbers as texts',
      [good],
      { metadata: { a: { type: 'array', of: 'string', value: [1] as never } } },
      'value',
    ],
    [
      'a text as list',
      [good],
      { metadata: { a: { type: 'array', of: 'string', value: 'ab' as never } } },
      'value',
    ],
    [
      'too many keys',
      [good],
      { metadata: Object.fromEntries(Array.from({ length: 65_537 }, (_, i) => [`k${i}`, text('')])) },
      'header',
    ],
    [
      'a header over 100 MB',
      [good],
      { metadata: { a: { type: 'array', of: 'u8', value: new Uint8Array(100_000_000) } } },
      'header',
    ],
    ['five levels of arrays', [good], { metadata: { a: deep } }, 'too-deep'],
    [
      'an alignment of 12',
      [good],
      { metadata: { 'general.alignment': { type: 'u32', value: 12 } } },
      'value',
    ],
    [
      'an alignment of another type',
      [good],
      { metadata: { 'general.alignment': { type: 'u64', value: 32n } } },
      'value',
    ],
  ];
  test.each(wrong)('%s', async (_, tensors, options, code) => {
    const sink = memorySink();
    await failure(() => writeGguf(sink, tensors, options), code);
    expect(sink.bytes().length).toBe(0);
  });
});

test('late data of the wrong length, and numbers that the type cannot hold, are refused by name', async () => {
  const late = (data: Float32Array) =>
    writeGguf(memorySink(), [{ name: 'late.w', type: 'Q8_0', shape: [32], data: () => data }]);
  expect((await failure(() => late(new Float32Array(33)), 'byte-count')).message).toContain('"late.w"');
  const error = await failure(() => late(new Float32Array(32).fill(Number.NaN, 3, 4)), 'value');
  expect(error.message).toContain('tensor "late.w" to write: Q8_0 holds finite numbers');
  expect(error.tensor).toBe('late.w');
});

test("the sink's error and an abort come through as they are", async () => {
  const tensors: GgufTensorToWrite[] = [{ name: 'x', type: 'F16', shape: [1], data: new Float32Array(1) }];
  const full = new Error('disk full');
  await expect(writeGguf({ write: () => Promise.reject(full) }, tensors)).rejects.toBe(full);
  const signal = AbortSignal.abort(new Error('stop'));
  await expect(writeGguf(memorySink(), tensors, { signal })).rejects.toThrow('stop');
});
