import {
  backward,
  concat,
  DTypeError,
  normal,
  type Param,
  paramArena,
  reshape,
  rope,
  ropeTable,
  rotaryHeads,
  rotaryHeadsOp,
  ShapeError,
  scale,
  scope,
  sum,
  type Tensor,
  tensor,
  ValueError,
  write,
  zeros,
} from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { checkGradients } from './gradient-check.ts';

const device = referenceDevice();
const table = (headDim: number, length: number, on = device) =>
  tensor(on, ropeTable({ headDim, length, theta: 100 }), [length, headDim / 2, 2]);
const position = (at: number, on = device) => tensor(on, [at], [1], 'i32');

test('heads come out in their order: queries, keys, values, and only values as they were', () => {
  // A quarter turn at position 1: (a, b) becomes (-b, a). Entries name token, head and entry.
  const quarter = tensor(device, [1, 0, 0, 1], [2, 1, 2]);
  const entries = [111, 112, 121, 122, 131, 132, 141, 142, 211, 212, 221, 222, 231, 232, 241, 242];
  const x = tensor(device, entries, [1, 2, 8]);
  const { query, key, value } = rotaryHeads(x, quarter, { heads: 2, keyValueHeads: 1 });
  expect([query.shape, key.shape, value.shape]).toEqual([
    [1, 2, 2, 2],
    [1, 2, 1, 2],
    [1, 2, 1, 2],
  ]);
  expect([...device.values(query)]).toEqual([111, 112, 121, 122, -212, 211, -222, 221]);
  expect([...device.values(key)]).toEqual([131, 132, -232, 231]);
  expect([...device.values(value)]).toEqual([141, 142, 241, 242]);
});

test('turns as rope does, from a position on', () => {
  const [heads, keyValueHeads, width] = [3, 2, 6];
  const numbers = normal(4, 0, 2 * 4 * 7 * width);
  const x = tensor(device, numbers, [2, 4, 7 * width]);
  const at = { position: position(2) };
  const parts = rotaryHeads(x, table(width, 9), { heads, keyValueHeads, ...at });
  const all = rope(reshape(x, [2, 4, 7, width]), table(width, 9), at);
  const heads5 = concat([parts.query, parts.key], 2);
  const pick = (from: ArrayLike<number>, first: number, count: number) =>
    Array.from({ length: 8 * count * width }, (_, i) => {
      const [row, rest] = [Math.floor(i / (count * width)), i % (count * width)];
      return from[row * 7 * width + first * width + rest]!;
    });
  expect([...device.values(heads5)]).toEqual(pick(device.values(all), 0, 5));
  expect([...device.values(parts.value)]).toEqual(pick(numbers, 5, 2));
});

test('equals its parts, outside of the table too: NaN for queries and keys, values stay', () => {
  for (const at of [0, 3, 8, -2]) {
    const x = tensor(device, normal(4, 1, 2 * 3 * 4 * 4), [2, 3, 16]);
    const ins = { x, table: table(4, 9), position: position(at) };
    const attrs = { heads: 2, keyValueHeads: 1 };
    const parts = rotaryHeadsOp.composite(ins, attrs);
    const { query, key, value } = rotaryHeads(x, ins.table, { ...attrs, position: ins.position });
    expect(device.values(query)).toEqual(device.values(parts.query));
    expect(device.values(key)).toEqual(device.values(parts.key));
    expect(device.values(value)).toEqual(device.values(parts.value));
    const outside = [0, 1, 2].map((t) => at + t < 0 || at + t >= 9);
    const nan = (y: Tensor) => [0, 1, 2].map((t) => Number.isNaN(device.values(y)[t * (y.size / 6)]));
    expect([nan(query), nan(key), nan(value)]).toEqual([outside, outside, [false, false, false]]);
  }
});

test('gradients equal finite differences, of every output alone and of all', () => {
  const x = { shape: [2, 3, 4 * 4] };
  const turn = (t: Tensor, on: ReturnType<typeof referenceDevice>) =>
    rotaryHeads(t, table(4, 6, on), { heads: 2, keyValueHeads: 1, position: position(2, on) });
  for (const output of ['query', 'key', 'value'] as const) {
    checkGradients((t, on) => turn(t.x, on)[output], { x });
  }
  checkGradients(
    (t, on) => {
      const { query, key, value } = turn(t.x, on);
      return concat([query, key, scale(value, 2)], 2);
    },
    { x },
  );
});

test('all three gradients are one launch; one that is absent is filled with zeros', () => {
  const counter = nullDevice();
  const { params, dispose } = paramArena(counter, [{ name: 'x', shape: [1, 2, 16] }]);
  const x = params.get('x') as Param;
  const launches = (loss: (outs: ReturnType<typeof rotaryHeads>) => Tensor) => {
    scope(() => {
      const angles = tensor(counter, new Float32Array(8), [2, 2, 2]);
      const made = loss(rotaryHeads(x, angles, { heads: 2, keyValueHeads: 1 }));
      counter.resetCounts();
      backward(made, [x]);
    });
    return counter.counts().launches;
  };
  const all = launches(({ query, key, value }) => sum(concat([query, key, value], 2)));
  expect(all).toMatchObject({ 'rotary-heads-backward': 1, fill: 1 });
  expect(launches(({ key }) => sum(key))).toMatchObject({ 'rotary-heads-backward': 1, fill: 3 });
  dispose();
});

test('what does not fit is named', () => {
  const x = zeros(device, [1, 3, 16]);
  const turn = (heads: number, keyValueHeads: number, of = x, angles = table(4, 3)) => {
    return () => rotaryHeads(of, angles, { heads, keyValueHeads });
  };
  expect(turn(2, 1)).not.toThrow();
  expect(turn(3, 1)).toThrow(ShapeError);
  expect(turn(3, 1)).toThrow(
    '[rotary-heads] x must be [B, T, 5 · D] with an even head size D, got [1, 3, 16]',
  );
  expect(turn(2, 1, zeros(device, [1, 3, 12]))).toThrow('even head size');
  expect(turn(2, 1, zeros(device, [3, 16]))).toThrow(ShapeError);
  expect(turn(0, 1)).toThrow(ValueError);
  expect(turn(2, 0)).toThrow('keyValueHeads must be a whole number of at least 1, got 0');
  expect(turn(2, 1, x, table(8, 3))).toThrow('[rotary-heads] table must be [length, 2, 2], got [3, 4, 2]');
  expect(turn(2, 1, x, table(4, 2))).toThrow('the table has 2 positions, got 3 tokens');
  expect(turn(2, 1, zeros(device, [1, 3, 16], 'i32'))).toThrow(DTypeError);
  const low = zeros(device, [1, 3, 16], 'bf16');
  write(low, new Float32Array(48).fill(1));
  const outs = rotaryHeads(low, table(4, 3), { heads: 2, keyValueHeads: 1 });
  expect([outs.query.dtype, outs.key.dtype, outs.value.dtype]).toEqual(['bf16', 'bf16', 'bf16']);
});
