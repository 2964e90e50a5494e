import { DTypeError, matmul, paramArena, ShapeError, type Tensor, tensor, ValueError } from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import { select, selectMask, selectOp } from '@qsparse/quantizers';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const device = referenceDevice();
const masked = (x: Tensor, selection: { k: number; block?: number }) =>
  Array.from(device.values(select(x, selection)));

test('the op is selectMask on a device', () => {
  const entry = fc.oneof(
    fc.constantFrom(0, -0, 1, -1, 2, -2),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  );
  const size = fc.integer({ min: 1, max: 4 });
  fc.assert(
    fc.property(size, size, size, fc.infiniteStream(entry), (rows, blocks, block, stream) => {
      const width = blocks * block;
      const values = Float64Array.from(stream.take(rows * width));
      const x = tensor(device, values, [rows, 1, width]);
      for (const selection of [{ k: width }, { k: 1 }, { k: block, block }, { k: 1, block }]) {
        expect(masked(x, selection)).toEqual(Array.from(selectMask(values, width, selection)));
      }
    }),
    { numRuns: 50 },
  );
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
  '%d makes its whole row NaN',
  (bad) => {
    const x = tensor(device, [1, 2, 3, 4, 5, bad, 7, 8, 9, 10, 11, 12], [3, 4]);
    const row = Array(4).fill(Number.NaN);
    expect(masked(x, { k: 1 })).toEqual([0, 0, 0, 1, ...row, 0, 0, 0, 1]);
    expect(masked(x, { k: 1, block: 2 })).toEqual([0, 1, 0, 1, ...row, 0, 1, 0, 1]);
  },
);

test('the mask has the dtype and shape of x and no gradient', () => {
  expect(selectOp.infer({ x: { dtype: 'bf16', shape: [2, 3, 8] } }, { k: 1, block: 4 })).toEqual({
    mask: { dtype: 'bf16', shape: [2, 3, 8] },
  });
  const on = nullDevice();
  const w = paramArena(on, [{ name: 'w', shape: [4, 4] }]).params.get('w')!;
  expect(matmul(w, w).value).toBeDefined();
  expect(select(matmul(w, w), { k: 2 }).value).toBeUndefined();
});

test('what does not fit is refused in the name of the op', () => {
  const x = tensor(device, [1, 2, 3, 4], [4]);
  expect(() => select(x, { k: 0 })).toThrow(ValueError);
  expect(() => select(x, { k: 0 })).toThrow('[select] k must be a whole number from 1 to 4');
  expect(() => select(x, { k: 5 })).toThrow(ValueError);
  expect(() => select(x, { k: 1, block: 3 })).toThrow(ShapeError);
  expect(() => select(x, { k: 3, block: 2 })).toThrow(ValueError);
  expect(() => select(tensor(device, [1], []), { k: 1 })).toThrow(ShapeError);
  expect(() => select(tensor(device, [1, 2], [2], 'i32'), { k: 1 })).toThrow(DTypeError);
});
