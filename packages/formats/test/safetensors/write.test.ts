import { readFile } from 'node:fs/promises';
import {
  bytesReader,
  DTYPE_NAMES,
  type FormatErrorCode,
  memorySink,
  openSafetensors,
  type TensorToWrite,
  type WriteOptions,
  writeSafetensors,
} from '@qsparse/formats';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { metadata, rawBytes, tensorSet } from '../helpers/arbitrary-tensors.ts';
import { failure } from '../helpers/outcome.ts';

async function write(
  tensors: Iterable<TensorToWrite>,
  options?: WriteOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const sink = memorySink();
  const written = await writeSafetensors(sink, tensors, options);
  expect(written.fileBytes).toBe(sink.bytes().length);
  return sink.bytes();
}

test('round trip: every dtype, shape, name and bit', async () => {
  await fc.assert(
    fc.asyncProperty(tensorSet, metadata, async (tensors, entries) => {
      const store = await openSafetensors(bytesReader(await write(tensors, { metadata: entries })));
      expect(store.tensors.size).toBe(tensors.length);
      expect(new Map(store.metadata)).toEqual(new Map(Object.entries(entries)));
      for (const { name, dtype, shape, data } of tensors) {
        const tensor = await store.read(name);
        expect({ dtype: tensor.dtype, shape: tensor.shape }).toEqual({ dtype, shape });
        expect(rawBytes(tensor.data)).toEqual(rawBytes(data));
      }
    }),
  );
});

test('the bytes depend on the tensors, not on their order, nor on when the data comes', async () => {
  await fc.assert(
    fc.asyncProperty(tensorSet, fc.infiniteStream(fc.nat()), async (tensors, keys) => {
      const shuffled = tensors.map((tensor) => ({ tensor, key: keys.next().value as number }));
      shuffled.sort((a, b) => a.key - b.key);
      const late = shuffled.map(({ tensor }) => ({ ...tensor, data: async () => tensor.data }));
      expect(await write(late)).toEqual(await write(tensors));
    }),
  );
});

test("a file of Hugging Face's library is written back byte for byte", async () => {
  const original = new Uint8Array(
    await readFile(new URL('../fixtures/huggingface.safetensors', import.meta.url)),
  );
  const store = await openSafetensors(bytesReader(original));
  const tensors = await Promise.all([...store.tensors.keys()].map((name) => store.read(name)));
  expect(await write(tensors.reverse(), { metadata: store.metadata })).toEqual(original);
});

test('the header is padded to 8 bytes with spaces, all data is aligned', async () => {
  await fc.assert(
    fc.asyncProperty(tensorSet, async (tensors) => {
      const bytes = await write(tensors);
      const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
      expect(length % 8).toBe(0);
      expect(new TextDecoder().decode(bytes.subarray(8, 8 + length))).toMatch(/^\{.*\} {0,7}$/s);
      const store = await openSafetensors(bytesReader(bytes));
      for (const { byteOffset, byteLength, shape } of store.tensors.values()) {
        const count = shape.reduce((product, size) => product * size, 1);
        if (count > 0) expect(byteOffset % (byteLength / count)).toBe(0);
      }
    }),
  );
  expect(new TextDecoder().decode((await write([])).subarray(8))).toBe('{}      ');
});

test('metadata is sorted, from an object as from a Map', async () => {
  const bytes = await write([], { metadata: { b: '2', a: '1' } });
  expect(new TextDecoder().decode(bytes.subarray(8)).trim()).toBe('{"__metadata__":{"a":"1","b":"2"}}');
  const entries = new Map([
    ['a', '1'],
    ['b', '2'],
  ]);
  expect(await write([], { metadata: entries })).toEqual(bytes);
});

test('late data is asked for one tensor after the other, when the sink is ready for it', async () => {
  const log: string[] = [];
  const tensor = (name: string): TensorToWrite => ({
    name,
    dtype: 'u8',
    shape: [1],
    data: () => {
      log.push(`load ${name}`);
      return Uint8Array.of(1);
    },
  });
  const sink = { write: async (bytes: Uint8Array) => void log.push(`write ${bytes.length}`) };
  await writeSafetensors(sink, [tensor('a'), tensor('b')]);
  expect(log.slice(1)).toEqual(['load a', 'write 1', 'load b', 'write 1']);
});

test('views, Node buffers and shared memory are written as their elements', async () => {
  const view = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
  const shared = new Float32Array(new SharedArrayBuffer(8));
  shared.set([1, 2]);
  const plain = await write([{ name: 'a', dtype: 'f32', shape: [2], data: Float32Array.of(1, 2) }]);
  expect(await write([{ name: 'a', dtype: 'f32', shape: [2], data: view }])).toEqual(plain);
  expect(await write([{ name: 'a', dtype: 'f32', shape: [2], data: shared }])).toEqual(plain);
  await write([{ name: 'a', dtype: 'u8', shape: [2], data: Buffer.from([1, 2]) }]);
});

describe('refused before the first byte', () => {
  const good: TensorToWrite = { name: 't', dtype: 'f32', shape: [2], data: new Float32Array(2) };
  const wrong: [string, TensorToWrite[], WriteOptions, FormatErrorCode][] = [
    ['two of one name', [good, good], {}, 'duplicate-key'],
    [
      'two of one name and different dtypes',
      [good, { ...good, dtype: 'bf16', data: new Uint16Array(2) }],
      {},
      'duplicate-key',
    ],
    ['the name of the metadata', [{ ...good, name: '__metadata__' }], {}, 'value'],
    ['a name without UTF-8 form', [{ ...good, name: 'a\ud800' }], {}, 'value'],
    ['an unknown dtype', [{ ...good, dtype: 'F32' as never }], {}, 'dtype'],
    ['a dtype from the prototype', [{ ...good, dtype: 'toString' as never }], {}, 'dtype'],
    ['an array of another class', [{ ...good, data: new Int32Array(2) }], {}, 'dtype'],
    ['a plain array', [{ ...good, data: [1, 2] as never }], {}, 'dtype'],
    ['float32 where bits are due', [{ ...good, dtype: 'bf16' }], {}, 'dtype'],
    ['too few elements', [{ ...good, data: new Float32Array(1) }], {}, 'byte-count'],
    ['too many elements', [{ ...good, data: new Float32Array(3) }], {}, 'byte-count'],
    ['a negative size', [{ ...good, shape: [-2] }], {}, 'shape'],
    ['a fraction', [{ ...good, shape: [0.5, 4] }], {}, 'shape'],
    ['a size beyond 2^53 bytes', [{ ...good, shape: [2 ** 52] }], {}, 'shape'],
    ['metadata that is no text', [good], { metadata: { a: 1 as never } }, 'value'],
    ['metadata without UTF-8 form', [good], { metadata: { a: '\udfff' } }, 'value'],
  ];
  test.each(wrong)('%s', async (_, tensors, options, code) => {
    const sink = memorySink();
    await failure(() => writeSafetensors(sink, tensors, options), code);
    expect(sink.bytes().length).toBe(0);
  });
});

test('late data of the wrong length or class is refused when it comes, by name', async () => {
  const late = (data: () => Float32Array) => write([{ name: 'late.w', dtype: 'f32', shape: [2], data }]);
  const error = await failure(() => late(() => new Float32Array(3)), 'byte-count');
  expect(error.message).toContain('tensor "late.w" to write: shape [2] takes 8 bytes, data has 12');
  await failure(() => late(() => undefined as never), 'dtype');
});

test("the sink's error and an abort come through as they are", async () => {
  const tensors: TensorToWrite[] = DTYPE_NAMES.slice(3, 4).map((dtype) => {
    return { name: 'x', dtype, shape: [1], data: new Float32Array(1) };
  });
  const full = new Error('disk full');
  await expect(writeSafetensors({ write: () => Promise.reject(full) }, tensors)).rejects.toBe(full);
  const signal = AbortSignal.abort(new Error('stop'));
  await expect(writeSafetensors(memorySink(), tensors, { signal })).rejects.toThrow('stop');
});
