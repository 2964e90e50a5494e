import {
  type Capabilities,
  concat,
  concatOp,
  type Device,
  DTypeError,
  hasKernel,
  ShapeError,
  slice,
  tensor,
  ValueError,
} from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkGradients } from './gradient-check.ts';

const device = referenceDevice();

/** The reference device without a kernel for concat, so that the composite runs. */
function withoutConcat(): Device & { readonly caps: Capabilities } {
  const plain = referenceDevice();
  return { ...plain, kernel: (op) => (op === concatOp ? undefined : plain.kernel(op)) };
}

test('tensors one after another along an axis', () => {
  const a = tensor(device, [1, 2, 3, 4], [2, 2]);
  const b = tensor(device, [5, 6], [2, 1]);
  const y = concat([a, b, a], 1);
  expect(y.shape).toEqual([2, 5]);
  expect([...device.values(y)]).toEqual([1, 2, 5, 1, 2, 3, 4, 6, 3, 4]);
  expect([...device.values(concat([a, a], -2))]).toEqual([1, 2, 3, 4, 1, 2, 3, 4]);
  expect([...device.values(concat([b], 0))]).toEqual([5, 6]);
});

test('slices put together again are the tensor, by reference and by composite', async () => {
  const composite = withoutConcat();
  expect(hasKernel(composite, concatOp)).toBe(false);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 0, max: 2 }),
      fc.boolean(),
      async (lengths, axis, fused) => {
        const on = fused ? device : composite;
        const shape = [2, 3, 2];
        shape[axis] = lengths.reduce((sum, length) => sum + length, 0);
        const elements = Array.from({ length: shape[0]! * shape[1]! * shape[2]! }, (_, i) => i);
        const x = tensor(on, elements, shape);
        let end = 0;
        const parts = lengths.map((length) => {
          end += length;
          return slice(x, axis, end - length, length);
        });
        expect(Array.from(await concat(parts, axis).data())).toEqual(elements);
      },
    ),
    { numRuns: 40 },
  );
});

test('the composite is one launch for each part', () => {
  const counter = nullDevice({ composites: true });
  const x = tensor(counter, [1, 2]);
  concat([x, x, x], 0);
  expect(counter.counts().launches).toEqual({ 'copy-section': 3 });
});

test('each part gets its section of the gradient', () => {
  checkGradients(({ a, b }) => concat([a, b, a], 1), { a: { shape: [2, 1, 2] }, b: { shape: [2, 3, 2] } });
  checkGradients(({ a }) => concat([tensor(a.device, [1, 2]), a], 0), { a: { shape: [3] } });
});

test('what does not fit is refused', () => {
  const a = tensor(device, [1, 2, 3, 4], [2, 2]);
  expect(() => concat([], 0)).toThrow(ValueError);
  expect(() => concat([a, tensor(device, [1, 2])], 0)).toThrow(ShapeError);
  expect(() => concat([a, tensor(device, [1, 2], [2, 1])], 0)).toThrow(
    '[concat] shapes must be equal but for axis 0, x0 is [2, 2] and x1 is [2, 1]',
  );
  expect(() => concat([a], 2)).toThrow('[concat] axis must name a dimension of [2, 2], got 2');
  expect(() => concat([a, tensor(device, [1, 2, 3, 4], [2, 2], 'i32')], 0)).toThrow(DTypeError);
});
