import {
  DTypeError,
  philox,
  randomState,
  type SampleAttrs,
  ShapeError,
  sample,
  sampleOp,
  seedKey,
  tensor,
  ValueError,
  wordToUniform,
} from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

const device = referenceDevice();
const draw = (logits: readonly number[], rows: number, options: Partial<SampleAttrs> = {}, counter = 0) => {
  const wide = Array.from({ length: rows }, () => logits).flat();
  const random = tensor(device, randomState(9, 4, counter), [4], 'i32');
  return [...device.values(sample(tensor(device, wide, [rows, logits.length]), random, options))];
};
const share = (tokens: readonly number[], token: number) =>
  tokens.filter((found) => found === token).length / tokens.length;

test('row b draws with the first word at counter + b', () => {
  const logits = [0.3, 2, -1, 1.2];
  const weights = logits.map(Math.exp);
  const total = weights.reduce((a, b) => a + b, 0);
  const expected = Array.from({ length: 50 }, (_, row) => {
    let u = wordToUniform(philox([17 + row, 0, 4, 0], seedKey(9))[0]) * total;
    // Most likely first: 1, 3, 0, 2.
    for (const token of [1, 3, 0]) {
      u -= weights[token]!;
      if (u < 0) return token;
    }
    return 2;
  });
  expect(draw(logits, 50, {}, 17)).toEqual(expected);
  expect(draw(logits, 1, {}, 20)).toEqual([expected[3]]);
});

test('frequencies follow the softmax at the temperature', () => {
  const logits = [0, Math.log(3), Math.log(4)];
  const plain = draw(logits, 4000);
  expect(share(plain, 0)).toBeCloseTo(1 / 8, 1);
  expect(share(plain, 2)).toBeCloseTo(1 / 2, 1);
  // At one half, odds are squared: 1 : 9 : 16.
  expect(share(draw(logits, 4000, { temperature: 0.5 }), 2)).toBeCloseTo(16 / 26, 1);
  expect(new Set(draw(logits, 200, { temperature: 1e-3 }))).toEqual(new Set([2]));
});

test('top-k keeps exactly k, ties to the lowest index', () => {
  const ties = [1, 5, 5, 1, 5, 1];
  expect(new Set(draw(ties, 300, { topK: 1 }))).toEqual(new Set([1]));
  expect(new Set(draw(ties, 300, { topK: 2 }))).toEqual(new Set([1, 2]));
  expect(new Set(draw(ties, 2000, { topK: 4 }))).toEqual(new Set([0, 1, 2, 4]));
  expect(draw(ties, 300, { topK: 99 })).toEqual(draw(ties, 300));
  expect(draw([3], 5, { topK: 1 })).toEqual([0, 0, 0, 0, 0]);
});

test('top-p keeps the smallest prefix that reaches p, at least one', () => {
  // Probabilities 1/2, 1/4, 1/4; the tie keeps the lower index.
  const logits = [Math.log(0.25), Math.log(0.5), Math.log(0.25)];
  expect(new Set(draw(logits, 300, { topP: 1e-9 }))).toEqual(new Set([1]));
  expect(new Set(draw(logits, 300, { topP: 0.49 }))).toEqual(new Set([1]));
  expect(new Set(draw(logits, 300, { topP: 0.6 }))).toEqual(new Set([1, 0]));
  expect(new Set(draw(logits, 300, { topP: 0.8 }))).toEqual(new Set([0, 1, 2]));
  expect(draw(logits, 300, { topP: 1 })).toEqual(draw(logits, 300));
});

test('top-p counts the probabilities that top-k left', () => {
  // Of 5 : 4 : 4 the two kept are 5/9 and 4/9.
  const logits = [Math.log(5), Math.log(4), Math.log(4)];
  expect(new Set(draw(logits, 300, { topK: 2, topP: 0.5 }))).toEqual(new Set([0]));
  expect(new Set(draw(logits, 300, { topK: 2, topP: 0.6 }))).toEqual(new Set([0, 1]));
});

test('masked tokens are never drawn; a row without a distribution gives -1', () => {
  const minus = Number.NEGATIVE_INFINITY;
  expect(new Set(draw([minus, 0, minus, 0], 300))).toEqual(new Set([1, 3]));
  expect(draw([minus, minus], 2)).toEqual([-1, -1]);
  expect(draw([0, Number.NaN, 1], 2)).toEqual([-1, -1]);
  expect(draw([0, Number.POSITIVE_INFINITY], 2, { topK: 1 })).toEqual([-1, -1]);
});

test('huge logits do not overflow', () => {
  expect(new Set(draw([1e30, -1e30, 1e30], 300, { temperature: 0.01 }))).toEqual(new Set([0, 2]));
});

test('attributes outside of their range are refused', () => {
  const logits = { dtype: 'f32', shape: [2, 5] } as const;
  const random = { dtype: 'i32', shape: [4] } as const;
  const infer = (attrs: Partial<SampleAttrs>) =>
    sampleOp.infer({ logits, random }, { temperature: 1, topK: 0, topP: 1, ...attrs });
  expect(infer({}).y).toEqual({ dtype: 'i32', shape: [2] });
  for (const temperature of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => infer({ temperature })).toThrow('use argmax() for the most likely token');
  }
  for (const topP of [0, -0.1, 1.1, Number.NaN]) expect(() => infer({ topP })).toThrow(ValueError);
  for (const topK of [-1, 1.5, Number.NaN]) expect(() => infer({ topK })).toThrow(ValueError);
  const attrs = { temperature: 1, topK: 0, topP: 1 };
  expect(() => sampleOp.infer({ logits: { ...logits, shape: [5] }, random }, attrs)).toThrow(ShapeError);
  expect(() => sampleOp.infer({ logits, random: { ...random, shape: [2] } }, attrs)).toThrow(ShapeError);
  expect(() => sampleOp.infer({ logits, random: { ...random, dtype: 'f32' } }, attrs)).toThrow(DTypeError);
});
