import { DTypeError, ShapeError, type Tensor, tensor } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { channelBytes, compact, packChannelMajor, ternaryGemv, ternaryGemvOp } from '@qsparse/quantizers';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const device = referenceDevice();
const read = (x: Tensor) => Array.from(device.values(x));

/** W [outputs, inputs] with a scale for each output. */
function packed(weights: readonly number[], outputs: number, scales: readonly number[]) {
  const inputs = weights.length / outputs;
  const bytes = new Int8Array(packChannelMajor(weights, outputs, inputs).buffer);
  return {
    w: tensor(device, bytes, [inputs, channelBytes(outputs)], 'i8'),
    scales: tensor(device, scales, [outputs]),
  };
}

test('sums of integers, and then both scales', () => {
  const weights = packed([1, -1, 0, 1, 1, 1], 2, [2, 10]); // rows 1 -1 0 and 1 1 1
  const list = compact(tensor(device, [127, 0, -127, 0, 0, 0], [2, 3]), { k: 2, int8: true });
  expect(read(ternaryGemv(list, weights))).toEqual([254, 0, 0, 0]);
  const add = tensor(device, [1, 2, 3, 4], [2, 2]);
  expect(read(ternaryGemv(list, weights, { add }))).toEqual([255, 2, 3, 4]);
});

test('any matrix and row, exactly', () => {
  const sizes = fc.record({
    outputs: fc.constantFrom(1, 5, 64, 65, 255, 257),
    inputs: fc.integer({ min: 1, max: 9 }),
  });
  const code = fc.integer({ min: -127, max: 127 });
  fc.assert(
    fc.property(
      sizes,
      fc.infiniteStream(fc.constantFrom(-1, 0, 1)),
      fc.infiniteStream(code),
      ({ outputs, inputs }, weightStream, codeStream) => {
        const weights = [...weightStream.take(outputs * inputs)];
        // With 127 among them a level is a whole number.
        const row = [127, ...[...codeStream.take(inputs)].slice(1)];
        const list = compact(tensor(device, row, [1, inputs]), { int8: true });
        const y = read(ternaryGemv(list, packed(weights, outputs, new Array(outputs).fill(1))));
        const expected = y.map((_, o) =>
          row.reduce((sum, value, i) => sum + value * weights[o * inputs + i]!, 0),
        );
        expect(y).toEqual(expected);
      },
    ),
    { numRuns: 30 },
  );
});

test('a row that is not finite is NaN', () => {
  const list = compact(tensor(device, [1, Number.POSITIVE_INFINITY], [1, 2]), { int8: true });
  expect(read(ternaryGemv(list, packed([1, 1], 1, [1])))).toEqual([NaN]);
});

test('refuses what does not belong together', () => {
  const { w, scales } = packed([1, -1, 0, 1, 1, 1], 2, [1, 1]);
  const list = compact(tensor(device, [1, 2, 3], [1, 3]), { int8: true });
  const ins = { ...list, scale: list.scale!, w, scales };
  const infer = (change: object) => () => ternaryGemvOp.infer({ ...ins, ...change }, { dtype: 'f32' });
  expect(infer({ scales: tensor(device, new Float32Array(257), [257]) })).toThrow(
    new ShapeError(
      'ternary-gemv',
      'w must be [inputs, 128] for 257 outputs, got [3, 64]',
      'packChannelMajor() makes it',
    ),
  );
  expect(infer({ scale: tensor(device, [1], []) })).toThrow(
    '[ternary-gemv] scale must have shape [1], got []',
  );
  expect(infer({ values: tensor(device, [1, 2, 3], [1, 3]) })).toThrow(DTypeError);
  expect(infer({ add: tensor(device, [1], [1, 1]) })).toThrow(ShapeError);
  expect(() => ternaryGemv(compact(tensor(device, [1, 2, 3], [1, 3])), { w, scales })).toThrow(
    '[ternary-gemv] the list has no scale; make it with compact(x, { int8: true })',
  );
});
