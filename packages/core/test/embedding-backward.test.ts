import {
  DTypeError,
  embeddingBackwardOp,
  full,
  run,
  ShapeError,
  type Tensor,
  tensor,
  zeros,
} from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

const device = referenceDevice();
const inputs = (ids: number[]) => ({
  dy: tensor(
    device,
    Float64Array.from({ length: 2 * ids.length }, (_, i) => i + 1),
    [ids.length, 2],
  ),
  ids: tensor(device, ids, [ids.length], 'i32'),
  into: full(device, [3, 2], 100),
});

test('rows add to what is there, and repeated ids add up', () => {
  const ins = inputs([2, 0, 2]);
  run(embeddingBackwardOp, ins, null);
  expect(Array.from(device.values(ins.into))).toEqual([103, 104, 100, 100, 106, 108]);
});

test('ids outside the table are skipped', () => {
  const ins = inputs([3, -1, 2 ** 31 - 1, 1]);
  run(embeddingBackwardOp, ins, null);
  expect(Array.from(device.values(ins.into))).toEqual([100, 100, 107, 108, 100, 100]);
});

test('what does not fit is named', () => {
  const wrong = (change: Partial<Record<'dy' | 'ids' | 'into', Tensor>>) => () =>
    run(embeddingBackwardOp, { ...inputs([0, 1]), ...change }, null);
  expect(wrong({ into: zeros(device, [6]) })).toThrow('[embedding-backward] into must be [V, d], got [6]');
  expect(wrong({ dy: zeros(device, [2, 3]) })).toThrow(
    '[embedding-backward] dy must have shape [2, 2], got [2, 3]',
  );
  expect(wrong({ dy: zeros(device, [4]) })).toThrow(ShapeError);
  expect(wrong({ ids: zeros(device, [2]) })).toThrow(DTypeError);
  expect(wrong({ dy: zeros(device, [2, 2], 'bf16') })).not.toThrow();
  expect(wrong({ into: zeros(device, [3, 2], 'bf16') })).toThrow(
    '[embedding-backward] into must be f32, got bf16',
  );
});
