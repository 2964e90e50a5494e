/** What the comparison of decoding writes and prints; the engines themselves run by hand. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ggufToTernary, openGguf, parseLlamaMetadata } from '@qsparse/formats/gguf';
import { openFileReader } from '@qsparse/formats/node';
import { afterAll, expect, test } from 'vitest';
import { DECODE_SHAPES } from '../../cli/src/bench/decode.ts';
import { type Measurement, merged } from '../src/decode-peers/measurement.ts';
import { modelFile } from '../src/decode-peers/models.ts';
import { bytesField, floatField, integerField } from '../src/decode-peers/protobuf.ts';
import { decodeReport } from '../src/decode-peers/report.ts';
import { PEER_SHAPES } from '../src/decode-peers/shapes.ts';

const folder = mkdtempSync(join(tmpdir(), 'qsparse-bench-'));
afterAll(() => rmSync(folder, { recursive: true }));

test.each(['214M', '2B4T'] as const)('%s is the same model for other engines and for ours', (name) => {
  expect(PEER_SHAPES[name]).toEqual(DECODE_SHAPES[name]);
});

test('the GGUF file has the shape, and weights that are ternary and differ from matrix to matrix', async () => {
  const path = await modelFile(folder, '1M', 'gguf');
  const file = await openGguf(await openFileReader(path));
  expect(parseLlamaMetadata(file.metadata)).toMatchObject({ ...PEER_SHAPES['1M'], architecture: 'llama' });
  const valuesOf = async (name: string) => ggufToTernary(await file.read(name)).values.slice(0, 3000);
  const [query, key] = [await valuesOf('blk.0.attn_q.weight'), await valuesOf('blk.0.attn_k.weight')];
  for (const code of [-1, 0, 1])
    expect(query.filter((value) => value === code).length / 3000).toBeCloseTo(1 / 3, 1);
  expect(query).not.toEqual(key);
  await file.close();
  expect(await modelFile(folder, '1M', 'gguf')).toBe(path);
});

test('the ONNX file is one model, and smaller with 2 bits than with 4', async () => {
  const [two, four] = [await modelFile(folder, '1M', 'onnx2'), await modelFile(folder, '1M', 'onnx4')].map(
    (path) => readFileSync(path),
  );
  expect(two!.length).toBeLessThan(four!.length);
  expect(fieldsOf(two!).map(([number]) => number)).toEqual([1, 8, 8, 7]);
  const graph = fieldsOf(fieldsOf(two!).at(-1)![1]);
  const operators = graph
    .filter(([number]) => number === 1)
    .map(([, node]) => String(fieldsOf(node).find(([n]) => n === 4)![1]));
  expect(operators.filter((name) => name === 'MatMulNBits')).toHaveLength(7 * 2 + 1);
  expect(operators.filter((name) => name === 'GroupQueryAttention')).toHaveLength(2);
  // Ids, lengths, and keys and values of each layer.
  expect(graph.filter(([number]) => number === 11)).toHaveLength(3 + 2 * 2);
});

/** Number and bytes of each field of a message; integers as none. */
function fieldsOf(message: Buffer): readonly (readonly [number, Buffer])[] {
  const fields: (readonly [number, Buffer])[] = [];
  for (let at = 0; at < message.length; ) {
    const varint = (): number => {
      let value = 0;
      for (let factor = 1; ; factor *= 128) {
        const byte = message[at++]!;
        value += (byte % 128) * factor;
        if (byte < 128) return value;
      }
    };
    const tag = varint();
    const length = tag % 8 === 2 ? varint() : 0;
    if (tag % 8 === 0) varint();
    if (tag % 8 === 5) at += 4;
    fields.push([Math.floor(tag / 8), message.subarray(at, at + length)]);
    at += length;
  }
  return fields;
}

test('the wire format: integers below and above a byte, and below zero; floats; texts', () => {
  expect([...integerField(1, 300)]).toEqual([8, 0xac, 2]);
  expect([...integerField(3, -1)]).toEqual([24, ...new Array<number>(9).fill(255), 1]);
  expect([...floatField(2, 1)]).toEqual([21, 0, 0, 128, 63]);
  expect([...bytesField(16, 'a')]).toEqual([0x82, 1, 1, 97]);
});

const measurement = (engine: string, own: Partial<Measurement>): Measurement => ({
  ...{ engine, version: '1', place: 'Node', shape: '214M', weights: 'ternary', threads: 2, sparsity: 0 },
  ...{ decode: { best: 100, median: 50 }, date: '2026-01-01', ...own },
});

test("our median is held against the best of the peers' best over thread counts; prompts thread for thread", () => {
  const rate = (best: number) => ({ best, median: best / 10 });
  const report = decodeReport(
    [
      measurement('node-llama-cpp', { threads: 1, decode: rate(200), prefill: rate(280) }),
      measurement('node-llama-cpp', { decode: rate(70), prefill: rate(500), peakMegabytes: 240 }),
      measurement('onnxruntime-node', { decode: rate(100) }),
      measurement('qsparse', { prefill: { best: 900, median: 600 }, peakMegabytes: 170 }),
      measurement('qsparse', { sparsity: 0.61, decode: { best: 900, median: 240 }, peakMegabytes: 190 }),
    ],
    'a machine',
  );
  expect(report).toContain(
    '| 214M decode, 61 % | 2 | 240.0 | 200.0 (node-llama-cpp ternary, 1 threads) | **missed**: 1.20x |',
  );
  expect(report).toContain(
    '| 214M prefill | 2 | 600.0 | 500.0 (node-llama-cpp ternary, 2 threads) | 1.20x |',
  );
  expect(report).toContain(
    '| 214M peak memory | 2 | 190 MB | 240 MB (node-llama-cpp) | **missed**: 190 MB |',
  );
  expect(report).not.toContain('2B4T decode');
});

test('a measurement takes the place of an older one of its kind alone', () => {
  const old = [measurement('a', {}), measurement('a', { threads: 1 })];
  const fresh = measurement('a', { date: '2026-01-02' });
  expect(merged(old, [fresh])).toEqual([fresh, old[1]]);
});
