/** Tensors that are larger than one binding: how they are cut, and that ops on the pieces give what they give on the whole. */
import { conformance } from '@qsparse/conformance';
import type { View } from '@qsparse/core';
import { describe, expect, test } from 'vitest';
import { partOf, rangesOf } from '../src/sections.ts';
import { missing, openDevice } from './drivers.ts';

const view = (dtype: View['dtype'], elements: number): View => ({
  slot: 1,
  offset: 0,
  dtype,
  shape: [elements],
});

test('ranges cover every item once, each fits, and they begin aligned in every dtype', () => {
  for (const count of [1, 127, 128, 1000, 100_001]) {
    for (const width of [1, 3, 64]) {
      const shares = [
        [view('f32', count * width), width],
        [view('bf16', count), 1],
        [undefined, 5],
      ] as const;
      const ranges = rangesOf(count, shares, 65_536);
      let next = 0;
      for (const { first, count: items } of ranges) {
        expect(first).toBe(next);
        next += items;
        expect(items * width * 4).toBeLessThanOrEqual(65_536 - 512);
        expect((partOf(shares[0][0], first * width, items * width).offset % 256) + (first % 128)).toBe(0);
      }
      expect(next).toBe(count);
    }
  }
});

test('an item that does not fit is a range of its own, for the launch to refuse', () => {
  expect(rangesOf(3, [[view('f32', 3000), 1000]], 2048)).toEqual(
    [0, 1, 2].map((first) => ({ first, count: 1 })),
  );
  expect(rangesOf(0, [[view('f32', 0), 7]], 2048)).toEqual([{ first: 0, count: 0 }]);
});

/** One that moves, one that packs words, one that updates in place, one of rows, and products. */
const CUT = ['copySectionOp', 'castOp', 'adamwOp', 'embeddingBackwardOp', 'matmulOp'];

if (missing) test.skip(`conformance with small bindings: ${missing}`, () => {});
else {
  describe('with bindings of 4 KiB', { timeout: 60_000 }, () =>
    conformance(() => openDevice({ maxBinding: 4096 }), { only: CUT }),
  );
}
