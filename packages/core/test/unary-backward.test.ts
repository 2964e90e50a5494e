import { ShapeError, tensor, type UnaryKind, unaryBackward } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

const device = referenceDevice();
const kinds: readonly UnaryKind[] = [
  'negate',
  'exp',
  'log',
  'sqrt',
  'square',
  'reciprocal',
  'absolute',
  'relu',
  'squared-relu',
  'silu',
  'gelu',
];

test('derivatives at 1 times dy, for every kind', () => {
  const sigmoid = 1 / (1 + Math.exp(-1));
  const expected: Record<UnaryKind, number> = {
    negate: -1,
    exp: Math.E,
    log: 1,
    sqrt: 0.5,
    square: 2,
    reciprocal: -1,
    absolute: 1,
    relu: 1,
    'squared-relu': 2,
    silu: sigmoid * (2 - sigmoid),
    gelu: 1.0829640838457826,
  };
  const x = tensor(device, [1]);
  const dy = tensor(device, [3]);
  for (const kind of kinds) {
    expect(device.values(unaryBackward(x, dy, kind))[0], kind).toBeCloseTo(3 * expected[kind], 13);
  }
});

test('kinks take the derivative 0', () => {
  const x = tensor(device, [0]);
  const dy = tensor(device, [1]);
  for (const kind of ['relu', 'squared-relu', 'absolute'] as const) {
    expect([...device.values(unaryBackward(x, dy, kind))], kind).toEqual([0]);
  }
});

test('dy must have the shape of x', () => {
  expect(() => unaryBackward(tensor(device, [1, 2]), tensor(device, [1]), 'silu')).toThrow(ShapeError);
  expect(() => unaryBackward(tensor(device, [1, 2]), tensor(device, [1]), 'silu')).toThrow(
    '[silu-backward] dy must have shape [2], got [1]',
  );
});
