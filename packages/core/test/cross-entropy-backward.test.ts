import {
  crossEntropyBackwardOp,
  DTypeError,
  run,
  ShapeError,
  type Tensor,
  tensor,
  zeros,
} from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

const device = referenceDevice();
/** Two rows of two equal logits; the second row is ignored. */
const inputs = () => ({
  d: tensor(device, [2], []),
  logits: tensor(device, [7, 7, 1, 1], [2, 2]),
  targets: tensor(device, [1, -1], [2], 'i32'),
  logSumExp: tensor(device, [7 + Math.log(2), 1 + Math.log(2)]),
  count: tensor(device, [1], []),
});

test('writes where it is told, the logits themselves included', () => {
  const plain = device.values(run(crossEntropyBackwardOp, inputs(), null).dLogits);
  expect(plain[0]).toBeCloseTo(1, 14);
  expect(plain[1]).toBeCloseTo(-1, 14);
  expect([plain[2], plain[3]]).toEqual([0, 0]);
  const ins = inputs();
  const over = run(crossEntropyBackwardOp, { ...ins, overwrite: ins.logits }, null).dLogits;
  expect(over).toBe(ins.logits);
  expect(device.values(over)).toEqual(plain);
  const elsewhere = zeros(device, [2, 2]);
  run(crossEntropyBackwardOp, { ...inputs(), overwrite: elsewhere }, null);
  expect(device.values(elsewhere)).toEqual(plain);
});

test('what does not fit is named', () => {
  const wrong =
    (change: Partial<Record<'d' | 'logSumExp' | 'count' | 'overwrite' | 'targets', Tensor>>) => () =>
      run(crossEntropyBackwardOp, { ...inputs(), ...change }, null);
  expect(wrong({ d: zeros(device, [2]) })).toThrow(
    '[cross-entropy-backward] d must have one element, got [2]',
  );
  expect(wrong({ logSumExp: zeros(device, [3]) })).toThrow('logSumExp must have shape [2], got [3]');
  expect(wrong({ overwrite: zeros(device, [4]) })).toThrow(ShapeError);
  expect(wrong({ count: zeros(device, [2]) })).toThrow(ShapeError);
  expect(wrong({ targets: zeros(device, [2]) })).toThrow(DTypeError);
});
