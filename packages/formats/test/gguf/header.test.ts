import { type ByteReader, bytesReader, type FormatErrorCode } from '@qsparse/formats';
import { ggufToFloat32, openGguf } from '@qsparse/formats/gguf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failure, successOrFormatError } from '../helpers/outcome.ts';
import {
  bytes,
  entry,
  join,
  type RawGguf,
  rawGguf,
  tensor,
  text,
  u8,
  u32,
  u64,
} from '../helpers/raw-gguf.ts';
import { smallGguf } from '../helpers/small-gguf.ts';

const open = (file: Uint8Array) => openGguf({ ...bytesReader(file), name: 'm.gguf' });
const openRaw = (file: RawGguf) => open(rawGguf(file));

describe('what is read', () => {
  test.each([2, 3])('version %i: order, shapes, places', async (version) => {
    const file = await openRaw({
      version,
      entries: [entry('z', 1), entry('a', 2)],
      tensors: [
        tensor({ name: 'two', sizes: [3, 2], offset: 32 }),
        tensor({ name: 'one', sizes: [1, 1, 1, 8], offset: 0 }),
      ],
      data: 64,
    });
    expect(file).toMatchObject({ name: 'm.gguf', version, alignment: 32 });
    expect([...file.metadata.keys()]).toEqual(['z', 'a']);
    expect([...file.tensors.values()]).toMatchObject([
      { name: 'two', type: 'F32', shape: [2, 3], byteLength: 24 },
      { name: 'one', shape: [8, 1, 1, 1], byteLength: 32 },
    ]);
    const [two, one] = [...file.tensors.values()];
    expect(two!.byteOffset - one!.byteOffset).toBe(32);
    expect(one!.byteOffset % 32).toBe(0);
  });

  test('no tensors; a scalar; an empty one; data without padding at the end; an alignment of its own', async () => {
    expect((await openRaw({})).tensors.size).toBe(0);
    const scalar = await openRaw({ tensors: [tensor({ sizes: [] })], data: 4 });
    expect(scalar.tensors.get('t')).toMatchObject({ shape: [], byteLength: 4 });
    const empty = await openRaw({ tensors: [tensor({ sizes: [4, 0] }), tensor({ name: 'u' })], data: 32 });
    expect(empty.tensors.get('t')).toMatchObject({ shape: [0, 4], byteLength: 0 });
    const aligned = await openRaw({
      entries: [entry('general.alignment', 256)],
      tensors: [tensor(), tensor({ name: 'u', offset: 256 })],
      alignment: 256,
      data: 288,
    });
    expect(aligned.tensors.get('u')!.byteOffset % 256).toBe(0);
  });

  test('types that cannot be converted have a size all the same', async () => {
    const file = await openRaw({ tensors: [tensor({ sizes: [512], type: 12 })], data: 288 });
    expect(file.tensors.get('t')).toMatchObject({ type: 'Q4_K', byteLength: 288 });
    await failure(async () => ggufToFloat32(await file.read('t')), 'dtype');
  });
});

describe('what is refused, in one line', () => {
  const data = 32;
  const good = tensor();
  const one = (raw: Parameters<typeof tensor>[0]): RawGguf => ({ tensors: [tensor(raw)], data });
  const value = (type: number, ...parts: Uint8Array[]): RawGguf => ({
    entries: [join(text('k'), u32(type), ...parts)],
  });
  const stringArray = (count: number | bigint) => value(9, u32(8), u64(count), text('a'));
  const deep = (levels: number) =>
    value(9, ...Array.from({ length: levels }, () => join(u32(9), u64(1))), u32(0), u64(0));
  const wrong: [string, RawGguf | Uint8Array, FormatErrorCode, RegExp][] = [
    ['an empty file', bytes(0), 'truncated', /m\.gguf: 4 bytes are required at 0/],
    [
      'a web page',
      join(new TextEncoder().encode('<!DOCTYPE html>')),
      'header',
      /begins with a web page; download/,
    ],
    [
      'a Git LFS pointer',
      join(new TextEncoder().encode('version https://git-lfs')),
      'header',
      /git lfs pull/,
    ],
    ['another format', { magic: 'PK\u0003\u0004' }, 'header', /begins with "PK\\u0003\\u0004"/],
    ['version 1', { version: 1 }, 'header', /version 2 or 3 is required, got 1/],
    ['version 4', { version: 4 }, 'header', /got 4/],
    ['big-endian', { version: 3 << 24 }, 'header', /little-endian, is required, got big-endian/],
    [
      'a huge count of tensors',
      { tensorCount: 2n ** 63n },
      'truncated',
      /announces 9223372036854775808 tensors/,
    ],
    ['a huge count of keys', { entryCount: 2n ** 64n - 1n }, 'truncated', /metadata entries/],
    ['more tensors than bytes', { tensorCount: 2, tensors: [good] }, 'truncated', /tensor 2 of 2/],
    [
      'the same key twice',
      { entries: [entry('k', 1), entry('k', 1)] },
      'duplicate-key',
      /key "k": every key/,
    ],
    [
      'a key that is not UTF-8',
      { entries: [join(u64(1), u8(0xff), u32(4), u32(1))] },
      'encoding',
      /metadata entry 1 of 1/,
    ],
    [
      'a text that is not UTF-8',
      value(8, u64(2), Uint8Array.of(0xc3, 0x28)),
      'encoding',
      /key "k": text must be UTF-8/,
    ],
    ['a text longer than the file', value(8, u64(2n ** 62n)), 'truncated', /key "k": it announces/],
    [
      'an unknown type of value',
      value(13, u32(1)),
      'value',
      /key "k": a type of value from 0 to 12 is required, got 13/,
    ],
    ['a truth value of 2', value(7, u8(2)), 'value', /must be 0 or 1, got 2/],
    ['truth values of 2', value(9, u32(7), u64(2), u8(1), u8(2)), 'value', /must be 0 or 1, got 2/],
    [
      'a huge array of texts',
      stringArray(2n ** 61n),
      'truncated',
      /key "k": it announces 2305843009213693952 elements/,
    ],
    ['one text too many', stringArray(3), 'truncated', /key "k"/],
    ['arrays five levels deep', deep(4), 'too-deep', /at most 4 levels/],
    [
      'a million arrays',
      value(9, u32(9), u64(1_000_000), bytes(12_000_000)),
      'value',
      /at most 65536 arrays/,
    ],
    [
      'an alignment of 0',
      { entries: [entry('general.alignment', 0)] },
      'value',
      /key "general.alignment": a u32.*got u32 "0"/,
    ],
    ['an alignment of 24', { entries: [entry('general.alignment', 24)] }, 'value', /a power of two/],
    ['an alignment of 2^31', { entries: [entry('general.alignment', 2 ** 31)] }, 'value', /a power of two/],
    [
      'the same tensor twice',
      { tensors: [good, tensor({ offset: 32 })], data: 64 },
      'duplicate-key',
      /tensor "t"/,
    ],
    ['five dimensions', one({ rank: 5 }), 'shape', /tensor "t": at most 4 dimensions are possible, got 5/],
    ['a huge rank', one({ rank: 2 ** 32 - 1 }), 'shape', /got 4294967295/],
    ['sizes beyond 2^53', one({ sizes: [2n ** 40n, 2n ** 40n] }), 'shape', /product below 2\^53/],
    ['a size of 2^64 - 1', one({ sizes: [2n ** 64n - 1n] }), 'shape', /product below/],
    [
      'a row that ends in a block',
      one({ sizes: [48], type: 8 }),
      'shape',
      /multiples of 32 \(blocks of Q8_0\)/,
    ],
    ['an unknown type', one({ type: 4 }), 'dtype', /tensor "t": its type has number 4/],
    ['a huge type', one({ type: 2 ** 32 - 1 }), 'dtype', /4294967295/],
    ['a place between alignments', one({ offset: 8 }), 'offsets', /multiple of 32, got 8/],
    ['a place beyond all files', one({ offset: 2n ** 64n - 32n }), 'offsets', /got 18446744073709551584/],
    ['data beyond the file', one({ sizes: [9] }), 'truncated', /tensor "t": its data ends at byte/],
    ['data far beyond the file', one({ sizes: [2 ** 40] }), 'truncated', /its data ends/],
    [
      'overlapping data',
      { tensors: [good, tensor({ name: 'u', sizes: [16] })], data: 64 },
      'overlap',
      /tensor "u".*32 bytes before "t" ends/,
    ],
    [
      'a gap',
      { tensors: [good, tensor({ name: 'u', offset: 64 })], data: 96 },
      'gap',
      /tensor "u": 32 bytes before its data/,
    ],
    ['data of nobody', { tensors: [good], data: 64 }, 'trailing', /the last 32 bytes belong to no tensor/],
  ];
  test.each(wrong)('%s', async (_, file, code, message) => {
    const error = await failure(() => (file instanceof Uint8Array ? open(file) : openRaw(file)), code);
    expect(error.message).toMatch(message);
    expect(error.file).toBe('m.gguf');
  });
});

/** Says that it has many bytes and counts what is asked of it; past `start` there is what `fill` says. */
function endless(start: Uint8Array, fill = 0): { reader: ByteReader; bytesRead: () => number } {
  let total = 0;
  const reader: ByteReader = {
    name: 'endless.gguf',
    size: 2 ** 50,
    async read(offset, length) {
      total += length;
      const part = new Uint8Array(length).fill(fill);
      part.set(start.subarray(offset, offset + length));
      return part;
    },
  };
  return { reader, bytesRead: () => total };
}

describe('bounded memory, even where the file seems to be a petabyte', () => {
  const text40 = join(text('k'), u32(8), u64(2 ** 40));
  const numbers40 = join(text('k'), u32(9), u32(5), u64(2 ** 40));
  const texts40 = join(text('k'), u32(9), u32(8), u64(2 ** 40));
  test.each([
    ['a text of a terabyte', rawGguf({ entries: [text40] })],
    ['an array of a trillion numbers', rawGguf({ entries: [numbers40] })],
    ['an array of a trillion texts', rawGguf({ entries: [texts40] })],
    ['a trillion keys', rawGguf({ entryCount: 2 ** 40 })],
    ['a trillion tensors', rawGguf({ tensorCount: 2 ** 40 })],
    ['a hundred thousand keys', rawGguf({ entryCount: 100_000 })],
    ['a million tensors', rawGguf({ tensorCount: 1_000_000 })],
  ])('%s', async (_, start) => {
    const { reader, bytesRead } = endless(start);
    await failure(() => openGguf(reader), 'header');
    expect(bytesRead()).toBeLessThan(100_000);
  });

  test('keys without an end', async () => {
    const { reader, bytesRead } = endless(rawGguf({ entryCount: 60_000 }));
    // The first empty key of type u8 is fine, the second is the same again.
    await failure(() => openGguf(reader), 'duplicate-key');
    expect(bytesRead()).toBeLessThan(100_000);
  });
});

describe('hostile files: success, or one clear line', () => {
  async function readAll(file: Uint8Array): Promise<void> {
    await successOrFormatError(async () => {
      const store = await open(file);
      for (const name of store.tensors.keys()) {
        const loaded = await store.read(name);
        await successOrFormatError(() => ggufToFloat32(loaded));
      }
    });
  }

  test('cut off anywhere, it is refused', async () => {
    const valid = await smallGguf();
    await fc.assert(
      fc.asyncProperty(fc.nat(valid.length - 61), async (length) => {
        const error = await failure(() => open(valid.subarray(0, length)));
        expect(['truncated', 'header']).toContain(error.code);
      }),
      { numRuns: 300 },
    );
  });

  test('bytes flipped', async () => {
    const valid = await smallGguf();
    const flip = fc.tuple(fc.nat(1200), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(flip, { minLength: 1, maxLength: 4 }), async (flips) => {
        const file = valid.slice();
        for (const [at, mask] of flips) file[at] = file[at]! ^ mask;
        await readAll(file);
      }),
      { numRuns: 600 },
    );
  });

  test('huge numbers in any place', async () => {
    const valid = await smallGguf();
    const huge = fc.constantFrom(
      2n ** 64n - 1n,
      2n ** 63n,
      2n ** 53n,
      2n ** 32n,
      2n ** 31n,
      0xffff_ffffn,
      1_000_000n,
      0n,
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(1200), huge, async (at, number) => {
        const file = valid.slice();
        new DataView(file.buffer).setBigUint64(at, number, true);
        await readAll(file);
      }),
      { numRuns: 600 },
    );
  });

  test('parts cut out or doubled, and any bytes after the magic', async () => {
    const valid = await smallGguf();
    await fc.assert(
      fc.asyncProperty(fc.nat(1200), fc.nat(40), fc.boolean(), async (at, length, doubled) => {
        const rest = valid.subarray(doubled ? at : at + length);
        await readAll(join(valid.subarray(0, doubled ? at + length : at), rest));
      }),
      { numRuns: 300 },
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (rest) => {
        await readAll(join(valid.subarray(0, 8), rest));
      }),
      { numRuns: 300 },
    );
  });
});

test('a reader that lies about its size, fails, or is aborted', async () => {
  const reader = bytesReader(await smallGguf());
  await failure(() => openGguf({ ...reader, size: Number.NaN }), 'io');
  await failure(() => openGguf({ ...reader, size: 2 ** 60 }), 'io');
  await failure(() => openGguf({ ...reader, read: async () => new Uint8Array(3) }), 'truncated');
  const broken = new Error('disk on fire');
  let closed = 0;
  const close = async () => void closed++;
  await expect(openGguf({ ...reader, close, read: () => Promise.reject(broken) })).rejects.toBe(broken);
  expect(closed).toBe(1);
  await expect(openGguf(reader, { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
});
