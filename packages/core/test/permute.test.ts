import { DTypeError, permute, permuteOp, ShapeError, tensor } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkGradients } from './gradient-check.ts';

const device = referenceDevice();
const counting = (shape: readonly number[]) =>
  tensor(
    device,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
    shape,
  );

test('a transpose, and heads moved before tokens', () => {
  const transposed = permute(counting([2, 3]), [1, 0]);
  expect(transposed.shape).toEqual([3, 2]);
  expect([...device.values(transposed)]).toEqual([0, 3, 1, 4, 2, 5]);
  const heads = permute(counting([1, 2, 3, 2]), [0, 2, 1, 3]);
  expect(heads.shape).toEqual([1, 3, 2, 2]);
  expect([...device.values(heads)]).toEqual([0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11]);
});

test('every element lands where its index says, and the inverse order brings it back', () => {
  const cases = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 5 }).chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      order: fc.shuffledSubarray(
        shape.map((_, i) => i),
        { minLength: shape.length, maxLength: shape.length },
      ),
    }),
  );
  fc.assert(
    fc.property(cases, ({ shape, order }) => {
      const x = counting(shape);
      const y = permute(x, order);
      const found = device.values(y);
      // Reads y at the moved index of every element of x, from the definition.
      const index = shape.map(() => 0);
      for (let i = 0; i < x.size; i++) {
        const at = order.reduce((flat, axis, place) => flat * y.shape[place]! + index[axis]!, 0);
        expect(found[at]).toBe(i);
        for (let axis = shape.length - 1; axis >= 0; axis--) {
          index[axis] = (index[axis]! + 1) % shape[axis]!;
          if (index[axis] !== 0) break;
        }
      }
      const inverse = order.map((_, axis) => order.indexOf(axis));
      expect([...device.values(permute(y, inverse))]).toEqual([...device.values(x)]);
    }),
  );
});

test('gradients', () => {
  checkGradients(({ x }) => permute(x, [2, 0, 1]), { x: { shape: [2, 3, 4] } });
  checkGradients(({ x }) => permute(x, [1, 3, 0, 2, 4]), { x: { shape: [2, 1, 2, 3, 2] } });
});

test('what does not fit is refused', () => {
  const x = counting([2, 3]);
  expect(() => permute(counting([4]), [0])).toThrow(ShapeError);
  expect(() => permute(counting([1, 1, 1, 1, 1, 1]), [0, 1, 2, 3, 4, 5])).toThrow('needs 2 to 5 dimensions');
  for (const order of [[0], [0, 0], [0, 2], [-1, 0], [0, 1, 2], [0.5, 1]]) {
    expect(() => permute(x, order)).toThrow('order must name each of the 2 dimensions of [2, 3] once');
  }
  expect(() => permuteOp.infer({ x: { dtype: 'ternary', shape: [4, 4] } }, { order: [1, 0] })).toThrow(
    DTypeError,
  );
});
