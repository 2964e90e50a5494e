// Writes a GGUF file in memory and has it read by Hugging Face's parser too: every file that these tests write is.
import { gguf } from '@huggingface/gguf';
import { memorySink } from '@qsparse/formats';
import {
  type GgufArray,
  type GgufTensorToWrite,
  type GgufValue,
  type GgufWriteOptions,
  writeGguf,
} from '@qsparse/formats/gguf';
import { expect } from 'vitest';

export async function writtenGguf(
  tensors: readonly GgufTensorToWrite[],
  options: GgufWriteOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const sink = memorySink();
  const written = await writeGguf(sink, tensors, options);
  const bytes = sink.bytes();
  expect(written.fileBytes).toBe(bytes.length);
  await requireSameInHuggingFaceParser(bytes, tensors, options);
  return bytes;
}

/** ggml's numbers, written down here once more. */
const TYPE_IDS: Readonly<Record<string, number>> = {
  F32: 0,
  F16: 1,
  Q4_0: 2,
  Q8_0: 8,
  Q4_K: 12,
  BF16: 30,
  TQ1_0: 34,
  TQ2_0: 35,
  I2_S: 36,
};
const VALUE_IDS = [
  'u8',
  'i8',
  'u16',
  'i16',
  'u32',
  'i32',
  'f32',
  'bool',
  'string',
  'array',
  'u64',
  'i64',
  'f64',
];

async function requireSameInHuggingFaceParser(
  bytes: Uint8Array<ArrayBuffer>,
  tensors: readonly GgufTensorToWrite[],
  { metadata = {}, version = 3 }: GgufWriteOptions,
): Promise<void> {
  const parsed = await gguf('https://example.invalid/file.gguf', {
    fetch: rangesOf(bytes),
    typedMetadata: true,
    computeParametersCount: true,
  });
  const entries =
    metadata instanceof Map ? [...metadata] : Object.entries(metadata as Record<string, GgufValue>);
  const { version: gotVersion, tensor_count, kv_count, ...rest } = parsed.typedMetadata;
  expect([gotVersion.value, tensor_count.value, kv_count.value]).toEqual([
    version,
    BigInt(tensors.length),
    BigInt(entries.length),
  ]);
  expect(parsed.littleEndian).toBe(true);
  expect(Object.keys(rest)).toEqual(entries.map(([key]) => key));
  for (const [key, value] of entries) {
    const got = rest[key as keyof typeof rest] as { value: unknown; type: number; subType?: number };
    expect(VALUE_IDS[got.type]).toBe(value.type);
    if (value.type === 'array') expect(VALUE_IDS[got.subType!]).toBe(value.of);
    expect(got.value).toEqual(plain(value));
  }
  const alignment = entries.find(([key]) => key === 'general.alignment')?.[1].value ?? 32;
  const dataOffset = Number(parsed.tensorDataOffset);
  expect(dataOffset % Number(alignment)).toBe(0);
  let end = 0;
  for (const [at, { name, type, shape }] of tensors.entries()) {
    const got = parsed.tensorInfos[at]!;
    expect(got).toMatchObject({ name, dtype: TYPE_IDS[type], shape: shape.map(BigInt).reverse() });
    expect(Number(got.offset) % Number(alignment)).toBe(0);
    expect(Number(got.offset)).toBeGreaterThanOrEqual(end);
    end = Number(got.offset);
  }
  expect(dataOffset + end).toBeLessThanOrEqual(bytes.length);
}

/** A server of one file; past its end it sends nothing. */
function rangesOf(bytes: Uint8Array<ArrayBuffer>): typeof fetch {
  return async (_url, init) => {
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(new Headers(init?.headers).get('range') ?? '')!;
    const part = bytes.slice(Number(from), Number(to) + 1);
    return new Response(part, { headers: { 'content-range': `bytes ${from}-${to}/${bytes.length}` } });
  };
}

/** What that parser makes of a value: bare, and without a byte order mark in front of a text. */
function plain(value: GgufValue): unknown {
  if (value.type === 'string') return value.value.replace(/^\ufeff/, '');
  if (value.type === 'f32') return Math.fround(value.value);
  return value.type === 'array' ? plainArray(value) : value.value;
}

function plainArray({ of, value }: GgufArray): unknown[] {
  if (of === 'array') return value.map(plainArray);
  if (of === 'string') return value.map((text) => text.replace(/^\ufeff/, ''));
  return of === 'bool' ? Array.from(value, (item) => item === 1) : [...(value as Iterable<unknown>)];
}
