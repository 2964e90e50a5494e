import { NonFiniteError, ShapeError, ValueError } from '@qsparse/core';
import { keepCount, selectMask } from '@qsparse/quantizers';
import fc from 'fast-check';
import { expect, test } from 'vitest';

/** The rule in its plainest form: order by magnitude, then by index, and take the first k. */
function plainMask(row: readonly number[], k: number): number[] {
  const order = row.map((_, i) => i).sort((a, b) => Math.abs(row[b]!) - Math.abs(row[a]!) || a - b);
  const kept = new Set(order.slice(0, k));
  return row.map((_, i) => (kept.has(i) ? 1 : 0));
}

/** Few distinct magnitudes, so that most rows are full of ties; zeros of both signs and the smallest number. */
const tied = fc.constantFrom(0, -0, 1, -1, 1, 2, -2, Number.MIN_VALUE, 1e30, -1e30);
const entry = fc.oneof(tied, fc.double({ noNaN: true, noDefaultInfinity: true }));

test('every k from 1 to n keeps exactly k, the first of equals', () => {
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 24 }), (row) => {
      for (let k = 1; k <= row.length; k++) {
        expect(Array.from(selectMask(row, row.length, { k }))).toEqual(plainMask(row, k));
      }
    }),
  );
});

test('each row is selected alone, and in blocks each block', () => {
  const shape = fc.record({
    rows: fc.integer({ min: 1, max: 4 }),
    blocks: fc.integer({ min: 1, max: 4 }),
    block: fc.integer({ min: 1, max: 9 }),
  });
  fc.assert(
    fc.property(shape, fc.nat(), fc.infiniteStream(entry), ({ rows, blocks, block }, seed, stream) => {
      const width = blocks * block;
      const x = [...stream.take(rows * width)];
      const k = 1 + (seed % block);
      const mask = selectMask(x, width, { k, block });
      for (let first = 0; first < x.length; first += block) {
        const part = x.slice(first, first + block);
        expect(Array.from(mask.subarray(first, first + block))).toEqual(plainMask(part, k));
      }
    }),
  );
});

test('a row of equals keeps its first k', () => {
  expect(Array.from(selectMask([-0, 0, -0, 0], 4, { k: 2 }))).toEqual([1, 1, 0, 0]);
  expect(Array.from(selectMask(new Float32Array([3, -3, 3, -3]), 4, { k: 3 }))).toEqual([1, 1, 1, 0]);
  expect(Array.from(selectMask([1, 1, 5, 1, 1, 1, 1, 5], 4, { k: 2 }))).toEqual([1, 0, 1, 0, 1, 0, 0, 1]);
  expect(Array.from(selectMask([], 4, { k: 2 }))).toEqual([]);
});

test('keepCount is the exact floor for shares in thousandths', () => {
  expect(keepCount(0.9, 10)).toBe(1);
  expect(keepCount(0.6, 2560)).toBe(1024);
  expect(keepCount(0.999, 10)).toBe(1);
  expect(keepCount(0, 7)).toBe(7);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999 }), fc.integer({ min: 1, max: 100_000 }), (dropped, n) => {
      expect(keepCount(dropped / 1000, n)).toBe(Math.max(1, Math.floor(((1000 - dropped) * n) / 1000)));
    }),
  );
});

test.each([-0.1, 1, 1.5, Number.NaN])('keepCount refuses the sparsity %d', (sparsity) => {
  expect(() => keepCount(sparsity, 10)).toThrow(ValueError);
});

test.each([0, 2.5, -1, Number.NaN])('keepCount refuses n = %d', (n) => {
  expect(() => keepCount(0.5, n)).toThrow(/^\[keepCount\] n must be a whole number of at least 1, got/);
});

test.each([
  [
    { k: 0 },
    ValueError,
    /^\[selectMask\] k must be a whole number from 1 to 6, the length of the row, got 0/,
  ],
  [{ k: 7 }, ValueError, /got 7/],
  [{ k: 1.5 }, ValueError, /got 1.5/],
  [{ k: Number.NaN }, ValueError, /got NaN/],
  [{ k: 4, block: 3 }, ValueError, /from 1 to 3, the length of the block, got 4/],
  [{ k: 1, block: 4 }, ShapeError, /block must divide the row of 6 entries, got 4/],
  [{ k: 1, block: 12 }, ShapeError, /got 12/],
  [{ k: 1, block: -2 }, ValueError, /got -2/],
  [{ k: 1, block: 1.5 }, ValueError, /got 1.5/],
] as const)('selectMask refuses %o', (selection, type, message) => {
  const attempt = () => selectMask([1, 2, 3, 4, 5, 6], 6, selection);
  expect(attempt).toThrow(type);
  expect(attempt).toThrow(message);
});

test('selectMask refuses ragged rows and says where a value is not finite', () => {
  expect(() => selectMask([1, 2, 3], 2, { k: 1 })).toThrow(ShapeError);
  expect(() => selectMask([1, 2], 0, { k: 1 })).toThrow(ShapeError);
  const attempt = () => selectMask([1, 2, Number.NEGATIVE_INFINITY, 4], 2, { k: 1 });
  expect(attempt).toThrow(NonFiniteError);
  expect(attempt).toThrow('got -Infinity at index 2');
});
