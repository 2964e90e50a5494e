import {
  add,
  backward,
  capture,
  type Device,
  fillWith,
  matmul,
  multiply,
  type Param,
  type ParamArena,
  paramArena,
  recompute,
  relu,
  scope,
  sum,
  type Tensor,
  tensor,
  write,
} from '@qsparse/core';
import { nullDevice } from '@qsparse/core/null';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

const SPECS = ['first', 'second', 'third'].map((name) => ({ name, shape: [4, 4] }));
const numbers = (count: number, factor: number) =>
  Float64Array.from({ length: count }, (_, i) => Math.sin(factor * (i + 1)));

function arenaOn(device: Device): ParamArena {
  const arena = paramArena(device, SPECS);
  for (const [i, param] of [...arena.params.values()].entries()) write(param, numbers(16, i + 1.3));
  return arena;
}

/** Two blocks, each with the residual stream beside it; the second uses the first parameter again. */
function lossOf(arena: ParamArena, x: Tensor, again: boolean): Tensor {
  const [first, second, third] = [...arena.params.values()] as [Param, Param, Param];
  const block = (params: readonly Param[]) => (y: Tensor) =>
    add(y, relu(params.reduce((z, weight) => matmul(z, weight), y)));
  const apply = (params: readonly Param[], y: Tensor) =>
    again ? recompute(block(params), y, params) : scope(() => block(params)(y));
  const z = apply([third, first], apply([first, second], x));
  return sum(multiply(z, z), 'all');
}

async function gradients(again: boolean, wanted?: readonly string[]): Promise<Float32Array> {
  const arena = arenaOn(referenceDevice());
  const x = tensor(arena.values.device, numbers(8, 0.7), [2, 4]);
  const params = [...arena.params].filter(([name]) => wanted?.includes(name) ?? true);
  scope(() =>
    backward(
      lossOf(arena, x, again),
      params.map(([, param]) => param),
    ),
  );
  return (await arena.grads.data()) as Float32Array;
}

test('the gradients are those of the part that is kept, bit for bit', async () => {
  const kept = await gradients(false);
  expect(kept.some((value) => value !== 0)).toBe(true);
  expect(await gradients(true)).toEqual(kept);
});

test('only what is asked for gets a gradient', async () => {
  const some = await gradients(true, ['second']);
  expect(some).toEqual(await gradients(false, ['second']));
  expect([...some.slice(0, 16)]).toEqual(Array(16).fill(0));
});

test('it works in a captured step, and all memory is given back', async () => {
  const device = referenceDevice();
  const arena = arenaOn(device);
  const x = tensor(device, numbers(8, 0.7), [2, 4]);
  const before = device.memory().count;
  const step = capture(({ x: input }: { x: Tensor }) => {
    fillWith(arena.grads, 0);
    const loss = lossOf(arena, input, true);
    backward(loss, arena.params.values());
    return { loss };
  });
  const expected = await gradients(false);
  for (let i = 0; i < 4; i++) {
    step({ x });
    expect(await arena.grads.data()).toEqual(expected);
  }
  step.dispose();
  expect(device.memory().count).toBe(before);
});

test('the tape keeps inputs alone, and the forward work is done twice', () => {
  const measure = (again: boolean) => {
    const device = nullDevice();
    const arena = paramArena(device, SPECS);
    let held = 0;
    scope(() => {
      const x = tensor(device, new Float32Array(8), [2, 4]);
      const before = device.memory().live;
      const loss = scope(() => lossOf(arena, x, again));
      held = device.memory().live - before;
      backward(loss, arena.params.values());
    });
    return { held, products: device.counts().launches.matmul! };
  };
  const [kept, again] = [measure(false), measure(true)];
  expect(again.held).toBeLessThan(kept.held);
  expect(again.products).toBe(kept.products + 4);
});

test('without a tape it is the body', async () => {
  const arena = arenaOn(referenceDevice());
  const x = tensor(arena.values.device, numbers(8, 0.7), [2, 4]);
  const same = recompute((y) => y, x, []);
  expect(same).not.toBe(x);
  expect(await same.data()).toEqual(await x.data());
});
