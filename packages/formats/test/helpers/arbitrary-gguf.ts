// Random metadata and tensors of every type, for round trips.
import type { GgmlType, GgufArray, GgufTensorToWrite, GgufValue } from '@qsparse/formats/gguf';
import fc from 'fast-check';

const text = fc.string({ unit: 'grapheme', maxLength: 6 });

const PACKED = {
  u8: fc.uint8Array({ maxLength: 3 }),
  i8: fc.int8Array({ maxLength: 3 }),
  u16: fc.uint16Array({ maxLength: 3 }),
  i16: fc.int16Array({ maxLength: 3 }),
  u32: fc.uint32Array({ maxLength: 3 }),
  i32: fc.int32Array({ maxLength: 3 }),
  f32: fc.float32Array({ maxLength: 3 }),
  f64: fc.float64Array({ maxLength: 3 }),
  u64: fc.bigUint64Array({ maxLength: 3 }),
  i64: fc.bigInt64Array({ maxLength: 3 }),
  bool: fc.uint8Array({ maxLength: 3, max: 1 }),
};

const flatArray: fc.Arbitrary<GgufArray> = fc.oneof(
  ...Object.entries(PACKED).map(([of, value]) =>
    (value as fc.Arbitrary<unknown>).map((array) => ({ type: 'array', of, value: array }) as GgufArray),
  ),
  fc.array(text, { maxLength: 3 }).map((value): GgufArray => ({ type: 'array', of: 'string', value })),
);

const nested = (inner: fc.Arbitrary<GgufArray>): fc.Arbitrary<GgufArray> =>
  fc.array(inner, { maxLength: 2 }).map((value): GgufArray => ({ type: 'array', of: 'array', value }));

/** Up to the four levels that can be read. */
const array: fc.Arbitrary<GgufArray> = fc.oneof(
  { arbitrary: flatArray, weight: 4 },
  nested(flatArray),
  nested(nested(nested(flatArray))),
);

const number = (type: string, value: fc.Arbitrary<unknown>): fc.Arbitrary<GgufValue> =>
  value.map((each) => ({ type, value: each }) as GgufValue);
const integer = (min: number, max: number) => fc.integer({ min, max });

const value: fc.Arbitrary<GgufValue> = fc.oneof(
  number('u8', integer(0, 255)),
  number('i8', integer(-128, 127)),
  number('u16', integer(0, 65_535)),
  number('i16', integer(-32_768, 32_767)),
  number('u32', integer(0, 2 ** 32 - 1)),
  number('i32', integer(-(2 ** 31), 2 ** 31 - 1)),
  number('f32', fc.float({ noNaN: true })),
  number('f64', fc.double({ noNaN: true })),
  number('u64', fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
  number('i64', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  number('bool', fc.boolean()),
  number('string', text),
  array,
);

/** Keys of their own, and often an alignment. */
export const metadata: fc.Arbitrary<ReadonlyMap<string, GgufValue>> = fc
  .record({
    entries: fc.uniqueArray(fc.tuple(text, value), { maxLength: 4, selector: ([key]) => key }),
    alignment: fc.option(fc.constantFrom(8, 32, 64, 4096), { nil: undefined }),
  })
  .map(({ entries, alignment }) => {
    const named = entries.map(([key, each]): [string, GgufValue] => [`test.${key}`, each]);
    if (alignment !== undefined) named.push(['general.alignment', { type: 'u32', value: alignment }]);
    return new Map(named);
  });

/** Elements and bytes of a block. */
const SIZES: readonly (readonly [GgmlType, number, number])[] = [
  ['F32', 1, 4],
  ['F16', 1, 2],
  ['BF16', 1, 2],
  ['Q8_0', 32, 34],
  ['Q4_0', 32, 18],
  ['TQ1_0', 256, 54],
  ['TQ2_0', 256, 66],
  ['Q4_K', 256, 144],
];

export interface RawTensorToWrite extends GgufTensorToWrite {
  readonly data: Uint8Array;
}

const tensor: fc.Arbitrary<RawTensorToWrite> = fc
  .record({
    name: fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 8 }),
    type: fc.constantFrom(...SIZES),
    blocks: fc.nat(2),
    above: fc.array(fc.nat(3), { maxLength: 3 }),
    seed: fc.integer(),
  })
  .map(({ name, type: [type, elements, bytes], blocks, above, seed }) => {
    const rows = above.reduce((product, size) => product * size, 1);
    const data = new Uint8Array(rows * blocks * bytes);
    for (let i = 0; i < data.length; i++) data[i] = Math.imul(seed + i, 2_654_435_761) >>> 24;
    return { name, type, shape: [...above, blocks * elements], data };
  });

/** Any bytes as blocks of many types, with different names, some empty. */
export const tensorSet: fc.Arbitrary<RawTensorToWrite[]> = fc.uniqueArray(tensor, {
  maxLength: 6,
  selector: ({ name }) => name,
});
