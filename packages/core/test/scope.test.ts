import { add, DisposedError, keep, reshape, scope, type Tensor, tensor, ValueError } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

test('frees what is made inside and not returned', () => {
  const device = referenceDevice();
  let inner: Tensor | undefined;
  const result = scope(() => {
    inner = tensor(device, [1, 2]);
    return add(inner, inner);
  });
  expect([...device.values(result)]).toEqual([2, 4]);
  expect(inner?.released).toBe(true);
  expect(device.memory().count).toBe(1);
  result.dispose();
  expect(device.memory().live).toBe(0);
});

test('tensors inside returned arrays and objects are returned, inside other objects they are not', () => {
  const device = referenceDevice();
  const made = () => tensor(device, [1]);
  const { list, nested, map } = scope(() => ({
    list: [made(), made()],
    nested: { deep: { x: made() }, number: 3, nothing: null },
    map: new Map([['x', made()]]),
  }));
  expect([...list, nested.deep.x].map((x) => x.released)).toEqual([false, false, false]);
  expect(map.get('x')?.released).toBe(true);
});

test('a nested scope hands its result to the scope around it', () => {
  const device = referenceDevice();
  let passed: Tensor | undefined;
  scope(() => {
    passed = scope(() => tensor(device, [1]));
    expect(passed.released).toBe(false);
  });
  expect(passed?.released).toBe(true);
  expect(device.memory().live).toBe(0);
});

test('a view keeps the memory of a freed tensor', () => {
  const device = referenceDevice();
  const view = scope(() => reshape(tensor(device, [1, 2]), [2, 1]));
  expect([...device.values(view)]).toEqual([1, 2]);
  view.dispose();
  expect(device.memory().live).toBe(0);
});

test('tensors from outside are left alone, returned or not', () => {
  const device = referenceDevice();
  const outside = tensor(device, [1]);
  scope(() => scope(() => outside));
  scope(() => add(outside, outside));
  expect(outside.released).toBe(false);
});

test('keep takes a tensor out of the scope that has it, also from a scope inside', () => {
  const device = referenceDevice();
  const kept: Tensor[] = [];
  scope(() => {
    kept.push(keep(tensor(device, [1])));
    const outer = tensor(device, [2]);
    scope(() => kept.push(keep(outer)));
  });
  expect(kept.map((x) => x.released)).toEqual([false, false]);
});

test('an error frees everything and the scope around goes on', () => {
  const device = referenceDevice();
  scope(() => {
    const mine = tensor(device, [1]);
    expect(() =>
      scope(() => {
        tensor(device, [2]);
        throw new Error('from the body');
      }),
    ).toThrow('from the body');
    expect(device.memory().count).toBe(1);
    expect(mine.released).toBe(false);
    tensor(device, [3]);
  });
  expect(device.memory().live).toBe(0);
});

test('an async body is refused and its memory freed', () => {
  const device = referenceDevice();
  const run = () => scope(async () => tensor(device, [1]));
  expect(run).toThrow(ValueError);
  expect(run).toThrow('[scope] the body must be synchronous, got a promise; read results outside the scope');
  expect(device.memory().live).toBe(0);
});

test('use after the scope names the tensor and the way out', () => {
  const device = referenceDevice();
  let inner: Tensor | undefined;
  scope(() => {
    inner = tensor(device, [1, 2]);
  });
  expect(() => add(inner!, inner!)).toThrow(DisposedError);
  expect(() => reshape(inner!, [2, 1])).toThrow('f32 [2] was freed by its scope or by dispose()');
  expect(() => inner!.data()).toThrow('return it from the scope to keep it');
});
