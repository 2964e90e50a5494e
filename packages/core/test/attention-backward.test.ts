import { attentionBackwardOp, DTypeError, run, ShapeError, type Tensor, tensor, zeros } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

const device = referenceDevice();
const attrs = { scale: 1, window: 0 };

test('a key that nobody sees gets no gradient, and no NaN from it', () => {
  const x = (values: number[], tokens: number) => tensor(device, values, [1, tokens, 1, 1]);
  const { dq, dk, dv } = run(
    attentionBackwardOp,
    {
      dy: x([2], 1),
      q: x([1], 1),
      k: x([3, Number.NaN], 2),
      v: x([5, Number.NaN], 2),
      y: x([5], 1),
      logSumExp: tensor(device, [3], [1, 1, 1]),
      position: tensor(device, [0], [1], 'i32'),
    },
    attrs,
  );
  // One visible key has weight 1, which no score changes.
  expect([dq, dk, dv].map((d) => Array.from(device.values(d)))).toEqual([[0], [0, 0], [2, 0]]);
});

test('what does not fit is named', () => {
  const right = () => ({
    dy: zeros(device, [1, 2, 2, 4]),
    q: zeros(device, [1, 2, 2, 4]),
    k: zeros(device, [1, 3, 1, 4]),
    v: zeros(device, [1, 3, 1, 4]),
    y: zeros(device, [1, 2, 2, 4]),
    logSumExp: zeros(device, [1, 2, 2]),
  });
  const wrong = (change: Partial<Record<'dy' | 'k' | 'y' | 'logSumExp' | 'position', Tensor>>) => () =>
    run(attentionBackwardOp, { ...right(), ...change }, attrs);
  expect(wrong({})).not.toThrow();
  expect(wrong({ dy: zeros(device, [1, 2, 1, 4]) })).toThrow(
    '[attention-backward] dy must have shape [1, 2, 2, 4], got [1, 2, 1, 4]',
  );
  expect(wrong({ logSumExp: zeros(device, [2, 2]) })).toThrow(
    'logSumExp must have shape [1, 2, 2], got [2, 2]',
  );
  expect(wrong({ y: zeros(device, [1, 2, 2, 2]) })).toThrow(ShapeError);
  expect(wrong({ k: zeros(device, [1, 2, 1, 4]) })).toThrow(
    '[attention-backward] k and v must have one shape',
  );
  expect(wrong({ position: zeros(device, [1]) })).toThrow(DTypeError);
});
