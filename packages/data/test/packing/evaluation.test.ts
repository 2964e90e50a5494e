import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluationBatches } from '../../src/packing/evaluation.ts';

describe('evaluationBatches', () => {
  it('predicts every token but the first once, in order, in equal shapes', () => {
    const sizes = fc.record({
      rowLength: fc.integer({ min: 1, max: 9 }),
      batchSize: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 10, max: 120 }), (options, length) => {
        const tokens = Uint16Array.from({ length }, (_, index) => index);
        const batches = [...evaluationBatches(tokens, options)];
        const pairs = batches.flatMap((batch) =>
          [...batch.targets].map((target, at) => [batch.tokens[at], target]),
        );
        expect(pairs.filter(([, target]) => target !== -1)).toEqual(
          Array.from({ length: length - 1 }, (_, index) => [index, index + 1]),
        );
        expect(pairs.filter(([, target]) => target === -1).every(([token]) => token === 0)).toBe(true);
        expect(batches.reduce((sum, { predicted }) => sum + predicted, 0)).toBe(length - 1);
        for (const { shape, tokens: inputs, targets } of batches) {
          expect(shape).toEqual([options.batchSize, options.rowLength]);
          expect([inputs.length, targets.length]).toEqual([shape[0] * shape[1], shape[0] * shape[1]]);
        }
      }),
    );
  });

  it('can be gone through again, cut short, and padded otherwise', () => {
    const tokens = Int32Array.from({ length: 30 }, (_, index) => index);
    const all = evaluationBatches(tokens, { rowLength: 4, batchSize: 2, ignoredTarget: -100 });
    expect([...all]).toEqual([...all]);
    expect([...all].at(-1)?.targets).toEqual(Int32Array.of(25, 26, 27, 28, 29, -100, -100, -100));
    expect([...evaluationBatches(tokens, { rowLength: 4, batchSize: 2, maxBatches: 2 })]).toHaveLength(2);
  });

  it('throws at once', () => {
    const tokens = new Uint16Array(4);
    expect(() => evaluationBatches(tokens, { rowLength: 4, batchSize: 2 })).toThrow(
      expect.objectContaining({ code: 'too-short', where: 'evaluationBatches' }),
    );
    expect(() => evaluationBatches(tokens, { rowLength: 2, batchSize: 2, maxBatches: 0 })).toThrow(
      /maxBatches/,
    );
  });
});
