import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHeap } from '../../src/tokenizer/heap.ts';

describe('createHeap', () => {
  it('takes the first item of those in it, whatever was pushed and taken before', () => {
    // null takes, a number is pushed.
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer({ min: 0, max: 20 }), { freq: 2 })), (steps) => {
        const heap = createHeap<number>((a, b) => a > b);
        const model: number[] = [];
        for (const step of steps) {
          if (step === null) expect(heap.pop()).toBe(model.pop());
          else {
            heap.push(step);
            model.push(step);
            model.sort((a, b) => a - b);
          }
          expect(heap.size).toBe(model.length);
        }
      }),
      { numRuns: 500 },
    );
  });
});
