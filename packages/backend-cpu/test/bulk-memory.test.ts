import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { bulkMemoryUses } from '../scripts/bulk-memory.mjs';
import { kernels as relaxed } from '../src/generated/kernels-relaxed.ts';
import { kernels as baseline } from '../src/generated/kernels-simd.ts';

/** A module of functions without parameters, with the given bytes as bodies; `start`: the one that runs first. */
function moduleOf(bodies: readonly (readonly number[])[], start?: number): Uint8Array<ArrayBuffer> {
  const section = (id: number, content: readonly number[]) => [id, content.length, ...content];
  const code = bodies.flatMap((body) => [body.length + 2, 0, ...body, 0x0b]);
  const bytes = [
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 0, 0]),
    ...section(3, [bodies.length, ...bodies.map(() => 0)]),
    ...section(5, [1, 0, 1]),
    ...(start === undefined ? [] : section(8, [start])),
    ...section(10, [bodies.length, ...code]),
  ];
  const module = new Uint8Array(bytes);
  expect(WebAssembly.validate(module)).toBe(true);
  return module;
}

const zeros = [0x41, 0, 0x41, 0, 0x41, 0];
const copy = [...zeros, 0xfc, 0x0a, 0, 0];
const fill = [...zeros, 0xfc, 0x0b, 0];

test('memory.copy and memory.fill are found, with the function', () => {
  expect(bulkMemoryUses(moduleOf([[0x01], copy, [...fill, ...copy]]))).toEqual([
    'memory.copy in function 1',
    'memory.fill in function 2',
    'memory.copy in function 2',
  ]);
});

test('the start function may use them', () => {
  expect(bulkMemoryUses(moduleOf([fill, fill], 1))).toEqual(['memory.fill in function 0']);
});

test('bytes that only look like them are not counted', () => {
  const constants = [
    ...[0x42, 0xfc, 0x8a, 0, 0x1a], // i64.const
    ...[0x43, 0xfc, 0x0a, 0, 0, 0x1a], // f32.const
    ...[0x44, 0xfc, 0x0b, 0, 0xfc, 0x0a, 0, 0, 0, 0x1a], // f64.const
    ...[0xfd, 0x0c, ...Array.from({ length: 8 }, () => [0xfc, 0x0a]).flat(), 0x1a], // v128.const
    ...[0x41, 0, 0x43, 0, 0, 0, 0, 0xfc, 0, 0x1a, 0x1a], // i32.trunc_sat
  ];
  expect(bulkMemoryUses(moduleOf([constants]))).toEqual([]);
});

test('the committed builds have none', () => {
  for (const build of [baseline, relaxed]) {
    expect(bulkMemoryUses(gunzipSync(Buffer.from(build, 'base64')))).toEqual([]);
  }
});
