import {
  normal,
  ropeTable,
  rotaryHeadsBackwardOp,
  run,
  ShapeError,
  type Tensor,
  tensor,
  zeros,
} from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

const device = referenceDevice();
const table = (headDim: number, length: number) =>
  tensor(device, ropeTable({ headDim, length, theta: 100 }), [length, headDim / 2, 2]);

test('turns back and lays side by side', () => {
  // A quarter turn at position 1, backwards: (a, b) becomes (b, -a).
  const ins = {
    dQuery: tensor(device, [111, 112, 121, 122, 211, 212, 221, 222], [1, 2, 2, 2]),
    dKey: tensor(device, [131, 132, 231, 232], [1, 2, 1, 2]),
    dValue: tensor(device, [141, 142, 241, 242], [1, 2, 1, 2]),
    table: tensor(device, [1, 0, 0, 1], [2, 1, 2]),
  };
  const { dx } = run(rotaryHeadsBackwardOp, ins, null);
  expect(dx.shape).toEqual([1, 2, 8]);
  expect([...device.values(dx)].map((x) => x + 0)).toEqual([
    ...[111, 112, 121, 122, 131, 132, 141, 142],
    ...[212, -211, 222, -221, 232, -231, 241, 242],
  ]);
});

test('equals its parts, outside of the table too', () => {
  for (const at of [0, 3, 8, -2]) {
    const ins = {
      dQuery: tensor(device, normal(5, 0, 72), [2, 3, 2, 6]),
      dKey: tensor(device, normal(5, 1, 36), [2, 3, 1, 6]),
      dValue: tensor(device, normal(5, 2, 36), [2, 3, 1, 6]),
      table: table(6, 9),
      position: tensor(device, [at], [1], 'i32'),
    };
    const { dx } = run(rotaryHeadsBackwardOp, ins, null);
    expect(device.values(dx)).toEqual(device.values(rotaryHeadsBackwardOp.composite(ins, null).dx));
    const nan = [...device.values(dx)].filter(Number.isNaN).length;
    expect(nan).toBe(2 * 18 * [0, 1, 2].filter((t) => at + t < 0 || at + t >= 9).length);
  }
});

test('what does not fit is named', () => {
  const wrong = (change: Partial<Record<'dQuery' | 'dKey' | 'dValue' | 'table', Tensor>>) => () =>
    run(
      rotaryHeadsBackwardOp,
      {
        dQuery: zeros(device, [1, 3, 2, 4]),
        dKey: zeros(device, [1, 3, 1, 4]),
        dValue: zeros(device, [1, 3, 1, 4]),
        table: table(4, 3),
        ...change,
      },
      null,
    );
  expect(wrong({})).not.toThrow();
  expect(wrong({ dQuery: zeros(device, [3, 2, 4]) })).toThrow(ShapeError);
  expect(wrong({ dQuery: zeros(device, [1, 3, 2, 3]) })).toThrow(
    'dQuery must be [B, T, H, D] and dKey [B, T, G, D], D even, got [1, 3, 2, 3] and [1, 3, 1, 4]',
  );
  expect(wrong({ dKey: zeros(device, [1, 3, 1, 2]) })).toThrow(
    'dKey must have shape [1, 3, 1, 4], got [1, 3, 1, 2]',
  );
  expect(wrong({ dValue: zeros(device, [1, 3, 2, 4]) })).toThrow('dValue must have shape [1, 3, 1, 4]');
  expect(wrong({ dValue: zeros(device, [1, 3, 1, 4], 'bf16') })).toThrow('inputs must have one dtype');
  expect(wrong({ table: table(4, 2) })).toThrow(
    '[rotary-heads-backward] the table has 2 positions, got 3 tokens',
  );
});
