import { type ByteReader, bytesReader } from '@qsparse/formats';
import { type GgufValue, openGguf } from '@qsparse/formats/gguf';
import { expect, test } from 'vitest';
import { writtenGguf } from '../helpers/written-gguf.ts';

/** Counts what is asked of it. */
function counted(bytes: Uint8Array): { reader: ByteReader; reads: [offset: number, length: number][] } {
  const reader = bytesReader(bytes);
  const reads: [number, number][] = [];
  return {
    reads,
    reader: {
      ...reader,
      read: (offset, length, signal) => {
        reads.push([offset, length]);
        return reader.read(offset, length, signal);
      },
    },
  };
}

test('a vocabulary of megabytes takes a few reads, no byte twice, and little beyond the header', async () => {
  const tokens = Array.from({ length: 100_000 }, (_, id) => `token ${id} Ġ`);
  const entries: [string, GgufValue][] = [
    ['tokens', { type: 'array', of: 'string', value: tokens }],
    ...Array.from({ length: 2000 }, (_, i): [string, GgufValue] => [`key.${i}`, { type: 'u32', value: i }]),
    ['ids', { type: 'array', of: 'f64', value: Float64Array.from(tokens, (_, id) => id) }],
  ];
  const data = new Float32Array(2 ** 22);
  const bytes = await writtenGguf([{ name: 'large', type: 'F32', shape: [2 ** 22], data }], {
    metadata: new Map(entries),
  });
  const { reader, reads } = counted(bytes);
  const file = await openGguf(reader);
  expect([...file.metadata]).toEqual(entries);
  expect(reads.length).toBeLessThan(12);
  let end = 0;
  for (const [offset, length] of reads) {
    expect(offset).toBe(end);
    end = offset + length;
  }
  expect(end - file.tensors.get('large')!.byteOffset).toBeLessThan(4 * 2 ** 20);
  reads.length = 0;
  await file.read('large');
  expect(reads).toEqual([[file.tensors.get('large')!.byteOffset, 2 ** 24]]);
});

test('values that a window ends in are read whole, wherever it ends', async () => {
  // The first window has 64 KiB.
  for (let length = 65_536 - 120; length < 65_536; length += 1) {
    const metadata = new Map<string, GgufValue>([
      ['filler', { type: 'string', value: 'x'.repeat(length) }],
      ['text', { type: 'string', value: 'é字😀' }],
      [
        'nested',
        { type: 'array', of: 'array', value: [{ type: 'array', of: 'u16', value: Uint16Array.of(1, 2) }] },
      ],
    ]);
    const bytes = await writtenGguf([{ name: 't', type: 'F32', shape: [1], data: Float32Array.of(1) }], {
      metadata,
    });
    const file = await openGguf(bytesReader(bytes));
    expect([...file.metadata]).toEqual([...metadata]);
    expect(file.tensors.size).toBe(1);
  }
});
