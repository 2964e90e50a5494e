import { DTypeError, normal, rope, ropeTable, ShapeError, tensor, zeros } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { checkGradients } from './gradient-check.ts';

const device = referenceDevice();
const table = (headDim: number, length: number) =>
  tensor(device, ropeTable({ headDim, length, theta: 100 }), [length, headDim / 2, 2]);
const position = (at: number) => tensor(device, [at], [1], 'i32');

/** Multiplies pair i of the token at `at` by exp(i · angle), as complex numbers. */
function turned(x: Float64Array, width: number, interleaved: boolean, at: (row: number) => number): number[] {
  const y: number[] = [];
  for (let j = 0; j < x.length; j++) {
    const row = Math.floor(j / width);
    const entry = j % width;
    const pair = interleaved ? entry >> 1 : entry % (width / 2);
    const real = interleaved ? entry % 2 === 0 : entry < width / 2;
    const partner = x[row * width + (interleaved ? entry ^ 1 : (entry + width / 2) % width)]!;
    const angle = at(row) / 100 ** ((2 * pair) / width);
    y.push(x[j]! * Math.cos(angle) + (real ? -partner : partner) * Math.sin(angle));
  }
  return y;
}

const close = (got: Float64Array, expected: ArrayLike<number>) => {
  expect(got.length).toBe(expected.length);
  got.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 12);
  });
};

test('pairs are turned by position times frequency, in both layouts', () => {
  const x = normal(3, 0, 2 * 3 * 2 * 6);
  for (const interleaved of [false, true]) {
    const y = rope(tensor(device, x, [2, 3, 2, 6]), table(6, 5), { interleaved });
    close(
      device.values(y),
      turned(x, 6, interleaved, (row) => Math.floor(row / 2) % 3),
    );
    const later = rope(tensor(device, x, [2, 3, 2, 6]), table(6, 5), { interleaved, position: position(2) });
    close(
      device.values(later),
      turned(x, 6, interleaved, (row) => 2 + (Math.floor(row / 2) % 3)),
    );
  }
});

test('each row of the batch may have a position of its own', () => {
  const x = normal(3, 2, 2 * 2 * 3 * 1 * 4);
  const positions = tensor(device, [4, 1], [2], 'i32');
  for (const shape of [
    [2, 6, 1, 4],
    [2, 2, 3, 1, 4],
  ]) {
    const tokens = shape.at(-3)!;
    close(
      device.values(rope(tensor(device, x, shape), table(4, 10), { position: positions })),
      turned(x, 4, false, (row) => [4, 1][Math.floor(row / 6)]! + (row % tokens)),
    );
  }
});

test('inverse turns back, and one token at a time equals all at once', () => {
  const x = tensor(device, normal(3, 1, 4 * 8), [4, 1, 8]);
  const y = rope(x, table(8, 4));
  close(device.values(rope(y, table(8, 4), { inverse: true })), device.values(x));
  for (let t = 0; t < 4; t++) {
    const one = tensor(device, device.values(x).slice(t * 8, t * 8 + 8), [1, 1, 8]);
    const turnedOne = rope(one, table(8, 4), { position: position(t) });
    close(device.values(turnedOne), device.values(y).slice(t * 8, t * 8 + 8));
  }
});

test('a position outside the table is NaN for that token alone', () => {
  const ones = tensor(device, [1, 1, 1, 1], [2, 1, 2]);
  const after = device.values(rope(ones, table(2, 3), { position: position(2) }));
  expect([...after].map(Number.isNaN)).toEqual([false, false, true, true]);
  const before = device.values(rope(ones, table(2, 3), { position: position(-1) }));
  expect([...before].map(Number.isNaN)).toEqual([true, true, false, false]);
});

test('gradients equal finite differences', () => {
  for (const interleaved of [false, true]) {
    checkGradients(
      ({ x }, on) =>
        rope(x, tensor(on, ropeTable({ headDim: 4, length: 6, theta: 10 }), [6, 2, 2]), {
          interleaved,
          position: tensor(on, [3], [1], 'i32'),
        }),
      { x: { shape: [2, 3, 2, 4] } },
    );
  }
});

test('what does not fit is named', () => {
  const x = zeros(device, [3, 1, 4]);
  expect(() => rope(zeros(device, [3, 4]), table(4, 3))).toThrow(
    '[rope] x needs at least 3 dimensions, got [3, 4]',
  );
  expect(() => rope(zeros(device, [3, 1, 5]), table(4, 3))).toThrow(
    'the head size must be even, got [3, 1, 5]',
  );
  expect(() => rope(x, table(6, 3))).toThrow('[rope] table must be [length, 2, 2], got [3, 3, 2]');
  expect(() => rope(x, table(4, 2))).toThrow('[rope] the table has 2 positions, got 3 tokens');
  expect(() => rope(x, table(4, 3), { position: zeros(device, [1]) })).toThrow(DTypeError);
  expect(() => rope(x, table(4, 3), { position: zeros(device, [2], 'i32') })).toThrow(ShapeError);
  expect(() => rope(zeros(device, [3, 1, 4], 'i32'), table(4, 3))).toThrow(
    '[rope] x must be f32 or bf16, got i32',
  );
});
