import { DTYPE_NAMES } from '@qsparse/formats';
import { expect, test } from 'vitest';
import { countElements, DTYPES, dtypeFromCode, isCount, viewAs } from '../../src/safetensors/dtype.ts';

test('every dtype has an array of its width, and widths never grow', () => {
  let width = 8;
  for (const dtype of DTYPE_NAMES) {
    const { bytes, array, code } = DTYPES[dtype];
    expect(new array(new ArrayBuffer(bytes), 0, 1).byteLength).toBe(bytes);
    expect(bytes).toBeLessThanOrEqual(width);
    width = bytes;
    expect(dtypeFromCode(code)).toBe(dtype);
  }
});

test.each(['f32', 'F8_E4M3', 'F4', 'C64', '', 'constructor', null, 5])('%j is no dtype in files', (code) => {
  expect(dtypeFromCode(code)).toBeUndefined();
});

test.each<[unknown[], number | undefined]>([
  [[], 1],
  [[2, 3], 6],
  [[0, 9], 0],
  [[2 ** 30, 2 ** 22], 2 ** 52],
  [[2 ** 30, 2 ** 30], undefined],
  [[2 ** 53], undefined],
  [[-1], undefined],
  [[-0], undefined],
  [[1.5], undefined],
  [[Number.NaN], undefined],
  [['2'], undefined],
  [[null], undefined],
  [[[2]], undefined],
])('%j has %j elements', (shape, count) => {
  expect(countElements(shape)).toBe(count);
});

test('a count is an exact integer of at least 0', () => {
  expect([0, 7, 2 ** 53 - 1].every(isCount)).toBe(true);
  expect([-1, -0, 0.5, 2 ** 53, Infinity, '1', 1n, null].some(isCount)).toBe(false);
});

test('aligned bytes become a view, others a copy', () => {
  const aligned = new Uint8Array(16);
  expect(viewAs('f32', aligned).buffer).toBe(aligned.buffer);
  const shifted = new Uint8Array(9).subarray(1);
  shifted.set([0, 0, 128, 63], 4);
  expect([...viewAs('f32', shifted)]).toEqual([0, 1]);
  const shared = new Uint8Array(new SharedArrayBuffer(2)).fill(1);
  expect(viewAs('i16', shared).buffer).toBeInstanceOf(ArrayBuffer);
  expect([...viewAs('i16', shared)]).toEqual([257]);
});
