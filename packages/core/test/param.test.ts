import {
  add,
  backward,
  DisposedError,
  joined,
  matmul,
  multiply,
  OutOfMemoryError,
  type Param,
  paramArena,
  reshape,
  ShapeError,
  scale,
  scope,
  sum,
  TapeError,
  tensor,
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

const adjacent = true;

test('adjacent parameters have no gap between them, and the next one is aligned again', () => {
  const arena = paramArena(referenceDevice(), [
    { name: 'query', shape: [2, 3] },
    { name: 'key', shape: [1, 3], adjacent },
    { name: 'value', shape: [1, 3], adjacent },
    { name: 'scale', shape: [3] },
    { name: 'shift', shape: [5], adjacent },
    { name: 'out', shape: [2, 2] },
    { name: 'bias', shape: [1] },
  ]);
  expect(Object.fromEntries(arena.offsets)).toEqual({
    ...{ query: 0, key: 6, value: 9, out: 64 },
    ...{ scale: 128, shift: 131, bias: 192 },
  });
  expect(arena.matrixElements).toBe(128);
  expect(arena.values.size).toBe(256);
  arena.dispose();
});

test('adjacent to nothing, or across matrices and vectors, is refused', () => {
  const device = referenceDevice();
  expect(() => paramArena(device, [{ name: 'a', shape: [2, 2], adjacent }])).toThrow(
    '[paramArena] a [2, 2] is to be adjacent to nothing; matrices can follow matrices',
  );
  for (const [first, second] of [
    [[2, 2], [2]],
    [[2], [2, 2]],
  ] as const) {
    const specs = [
      { name: 'a', shape: first },
      { name: 'b', shape: second, adjacent },
    ] as const;
    expect(() => paramArena(device, specs)).toThrow(ValueError);
    expect(() => paramArena(device, specs)).toThrow(`b [${second.join(', ')}] is to be adjacent to a`);
  }
  expect(device.memory()).toMatchObject({ live: 0, count: 0 });
});

/** [query; key; value] of width 2, and x. */
function joinable(device = referenceDevice()) {
  const arena = paramArena(device, [
    { name: 'before', shape: [1, 2] },
    { name: 'query', shape: [2, 2] },
    { name: 'key', shape: [1, 2], adjacent },
    { name: 'value', shape: [1, 2], adjacent },
    { name: 'wide', shape: [1, 3], adjacent },
    { name: 'norm', shape: [2] },
  ]);
  return {
    arena,
    names: ['query', 'key', 'value'],
    param: (name: string) => arena.params.get(name) as Param,
  };
}

test('joined parameters are one matrix over their values and gradients', () => {
  const device = referenceDevice();
  const { arena, names, param } = joinable(device);
  const all = joined(arena, names);
  expect(all.shape).toEqual([4, 2]);
  expect(all.grad.shape).toEqual([4, 2]);
  expect([...arena.params.values()]).not.toContain(all);
  write(param('key'), [5, 6]);
  write(all.grad, [1, 2, 3, 4, 5, 6, 7, 8]);
  expect([...device.values(all)]).toEqual([0, 0, 0, 0, 5, 6, 0, 0]);
  expect([...device.values(param('value').grad)]).toEqual([7, 8]);
  expect(joined(arena, names)).toBe(all);
  expect(joined(arena, ['key'])).toBe(param('key'));
  arena.dispose();
  expect(() => scale(all, 2)).toThrow(DisposedError);
  expect(device.memory()).toMatchObject({ live: 0, count: 0 });
});

test('a product with joined parameters gives each its gradient, beside uses of its own', () => {
  const device = referenceDevice();
  const { arena, names, param } = joinable(device);
  write(arena.grads, new Float64Array(arena.grads.size).fill(0.5));
  scope(() => {
    const x = tensor(device, [1, 10], [1, 2]);
    const y = matmul(x, joined(arena, names), { transposeB: true });
    const loss = add(sum(multiply(y, tensor(device, [1, 2, 3, 4], [1, 4]))), sum(param('key')));
    backward(loss, arena.params.values());
  });
  expect([...device.values(joined(arena, names).grad)]).toEqual([1.5, 10.5, 2.5, 20.5, 4.5, 31.5, 4.5, 40.5]);
  expect([...device.values(param('before').grad)]).toEqual([0.5, 0.5]);
  expect([...device.values(param('wide').grad)]).toEqual([0.5, 0.5, 0.5]);
  arena.dispose();
});

test('a joined view gets a gradient with all of its parameters, none with none, and refuses some', () => {
  const device = referenceDevice();
  const { arena, names, param } = joinable(device);
  const step = (wanted: readonly string[]) =>
    scope(() => {
      const y = matmul(reshape(param('norm'), [1, 2]), joined(arena, names), { transposeB: true });
      backward(sum(y), wanted.map(param));
    });
  write(param('norm'), [1, 1]);
  step(['norm']);
  expect(device.values(joined(arena, names).grad).every((x) => x === 0)).toBe(true);
  step(names);
  expect([...device.values(param('value').grad)]).toEqual([1, 1]);
  expect(() => step(['norm', 'query', 'value'])).toThrow(TapeError);
  expect(() => step(['query', 'value'])).toThrow(
    '[backward] a joined view gives its gradient to all of its 3 parameters, got 2 of them; pass all of them or none',
  );
  arena.dispose();
});

test('what cannot be joined is named', () => {
  const { arena } = joinable();
  const join =
    (...names: string[]) =>
    () =>
      joined(arena, names);
  expect(join()).toThrow('[joined] needs at least one name, got none');
  expect(join('query', 'nobody')).toThrow('[joined] nobody must be a parameter of the arena');
  expect(join('before', 'query')).toThrow(
    'query must lie directly behind the one before it in before + query',
  );
  expect(join('key', 'query')).toThrow(ValueError);
  expect(join('query', 'value')).toThrow(ValueError);
  expect(join('value', 'wide')).toThrow(ShapeError);
  expect(join('query', 'norm')).toThrow(
    '[joined] all must be matrices of one width, or all vectors, query is [2, 2] and norm is [2]',
  );
  arena.dispose();
});

test('an arena without gradients takes half the memory, and nothing that uses it is on the tape', () => {
  const device = nullDevice();
  const specs = [
    { name: 'w', shape: [64, 4] },
    { name: 'b', shape: [64] },
  ];
  const full = paramArena(device, specs);
  const withGradients = device.memory().live;
  full.dispose();
  const arena = paramArena(device, specs, { gradients: false });
  expect(device.memory().live).toBe(withGradients / 2);
  const w = arena.params.get('w')!;
  expect(w.value).toBeUndefined();
  expect(() => w.grad).toThrow(
    '[w] these parameters have no gradients; make them with gradients: true to train',
  );
  expect(() => arena.grads).toThrow(TapeError);
  expect(() => backward(sum(w), [w])).toThrow('the loss depends on no parameter');
  arena.dispose();
});

test('vectors are joined like matrices, with and without gradients', () => {
  for (const gradients of [true, false]) {
    const specs = [
      { name: 'a', shape: [3] },
      { name: 'b', shape: [2], adjacent: true as const },
    ];
    const arena = paramArena(referenceDevice(), specs, { gradients });
    const both = joined(arena, ['a', 'b']);
    expect(both.shape).toEqual([5]);
    expect(joined(arena, ['a', 'b'])).toBe(both);
    expect(both.value === undefined).toBe(!gradients);
    arena.dispose();
  }
});
