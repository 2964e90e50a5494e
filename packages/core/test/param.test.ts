import {
  DisposedError,
  OutOfMemoryError,
  type Param,
  paramArena,
  ShapeError,
  scale,
  ValueError,
  write,
} from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

test('matrices come first, each parameter starts at 256 bytes, all is zero', () => {
  const device = referenceDevice();
  const arena = paramArena(device, [
    { name: 'bias', shape: [3] },
    { name: 'weight', shape: [5, 13] },
    { name: 'norm', shape: [64] },
    { name: 'head', shape: [2, 2] },
  ]);
  expect(Object.fromEntries(arena.offsets)).toEqual({ weight: 0, head: 128, bias: 192, norm: 256 });
  expect(arena.matrixElements).toBe(192);
  expect(arena.values.size).toBe(320);
  expect([...arena.params.keys()]).toEqual(['bias', 'weight', 'norm', 'head']);
  expect(device.values(arena.values).every((x) => x === 0)).toBe(true);
  expect(device.values(arena.grads).every((x) => x === 0)).toBe(true);
});

test('a parameter and its gradient are views of the arenas', () => {
  const device = referenceDevice();
  const arena = paramArena(device, [
    { name: 'a', shape: [1, 1] },
    { name: 'b', shape: [2] },
  ]);
  const b = arena.params.get('b') as Param;
  expect(b.name).toBe('b');
  expect(b.offset).toBe(256);
  write(b, [1, 2]);
  write(b.grad, [3, 4]);
  expect([...device.values(arena.values).subarray(64, 66)]).toEqual([1, 2]);
  expect([...device.values(arena.grads).subarray(64, 66)]).toEqual([3, 4]);
  arena.dispose();
  expect(device.memory()).toMatchObject({ live: 0, count: 0 });
});

test('a name twice is refused', () => {
  const specs = [
    { name: 'w', shape: [1] },
    { name: 'w', shape: [2, 2] },
  ];
  expect(() => paramArena(referenceDevice(), specs)).toThrow(ValueError);
  expect(() => paramArena(referenceDevice(), specs)).toThrow('parameter names must differ, got w twice');
});

test('no parameter at all, a bad shape and too little room are refused and leave nothing behind', () => {
  const device = nullDevice({ limit: 512 });
  expect(() => paramArena(device, [])).toThrow('[paramArena] needs at least one parameter, got none');
  expect(() => paramArena(device, [{ name: 'w', shape: [0] }])).toThrow(ShapeError);
  expect(() => paramArena(device, [{ name: 'w', shape: [65] }])).toThrow(OutOfMemoryError);
  expect(device.memory()).toMatchObject({ live: 0, count: 0 });
});

test('a parameter of a disposed arena says so', () => {
  const arena = paramArena(referenceDevice(), [{ name: 'w', shape: [1] }]);
  arena.dispose();
  expect(() => scale(arena.params.get('w')!, 2)).toThrow(DisposedError);
});
