import {
  add,
  backward,
  capture,
  exp,
  fillWith,
  matmul,
  multiply,
  noGrad,
  type Op,
  type Param,
  paramArena,
  reshape,
  run,
  ShapeError,
  scale,
  scope,
  sum,
  TapeError,
  type Tensor,
  tensor,
  write,
} from '@qsparse/core';
import { type ReferenceDevice, referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { checkGradients } from './gradient-check.ts';

/** loss = sum(x w) through products with ones, so that only matmul is needed. */
function lossOf(x: Tensor, w: Tensor): Tensor {
  const y = matmul(x, w);
  const [m, n] = y.shape as [number, number];
  const left = tensor(x.device, new Float32Array(m).fill(1), [1, m]);
  const right = tensor(x.device, new Float32Array(n).fill(1), [n, 1]);
  return reshape(matmul(matmul(left, y), right), [1]);
}

test('gradients add into the parameter and accumulate over calls', async () => {
  const device = referenceDevice();
  const arena = paramArena(device, [{ name: 'w', shape: [2, 3] }]);
  const w = arena.params.get('w') as Param;
  write(w, [1, 2, 3, 4, 5, 6]);
  const x = tensor(device, [1, 10, 2, 20], [2, 2]);
  for (let i = 0; i < 2; i++) scope(() => backward(lossOf(x, w), [w], { scale: 0.5 }));
  expect(Array.from(await w.grad.data())).toEqual([3, 3, 3, 30, 30, 30]);
});

test('a captured step equals the eager one and does not grow', async () => {
  const device = referenceDevice();
  const arena = paramArena(device, [{ name: 'w', shape: [2, 2] }]);
  const w = arena.params.get('w') as Param;
  write(w, [1, 2, 3, 4]);
  const left = tensor(device, [1, 1], [1, 2]);
  const right = tensor(device, [1, 1], [2, 1]);
  const step = capture(({ x }: { x: Tensor }) => {
    fillWith(arena.grads, 0);
    const loss = reshape(matmul(matmul(left, matmul(x, w)), right), [1]);
    backward(loss, [w]);
    return { loss };
  });
  const before = device.memory().live;
  let after = 0;
  for (let i = 1; i <= 5; i++) {
    const x = tensor(device, [i, 0, 0, i], [2, 2]);
    const { loss } = step({ x });
    expect(await loss.item()).toBe(10 * i);
    expect(Array.from(await w.grad.data())).toEqual([i, i, i, i]);
    x.dispose();
    if (i === 3) after = device.memory().live;
  }
  expect(device.memory().live).toBe(after);
  expect(step.program?.launches).toBeGreaterThan(3);
  step.dispose();
  expect(device.memory().live).toBe(before);
  expect(device.memory().programs).toBe(0);
});

function paramOn(device: ReferenceDevice, values: readonly number[]): Param {
  const w = paramArena(device, [{ name: 'w', shape: [values.length] }]).params.get('w') as Param;
  write(w, values);
  return w;
}

test('gradients that meet are added, whatever shares memory with whatever', () => {
  const x = { shape: [3] };
  checkGradients((t) => add(t.x, t.x), { x });
  checkGradients((t) => add(add(t.x, t.x), add(t.x, t.x)), { x });
  checkGradients(
    (t) => {
      const y = exp(t.x);
      const z = add(y, multiply(y, t.x));
      return add(add(z, y), add(reshape(z, [3]), t.x));
    },
    { x },
  );
  // add gives y and z one tensor, and the product's rule would like to add to y's in place.
  checkGradients(
    (t) => {
      const [y, z] = [exp(reshape(t.x, [1, 3])), exp(reshape(t.z, [1, 3]))];
      const product = matmul(y, t.v);
      return add(sum(add(y, z)), sum(product));
    },
    { x, z: x, v: { shape: [3, 2] } },
  );
});

test('a second backward, and one after the outermost scope, say that the tape is gone', () => {
  const device = referenceDevice();
  const w = paramOn(device, [2, 3]);
  scope(() => {
    const loss = sum(multiply(w, w));
    backward(loss, [w]);
    expect(() => backward(loss, [w])).toThrow(TapeError);
    expect(() => backward(loss, [w])).toThrow(
      /^\[reduce\] the tape of this op is gone: .* call backward once/,
    );
  });
  expect([...device.values(w.grad)]).toEqual([4, 6]);
  const late = scope(() => sum(multiply(w, w)));
  expect(() => backward(late, [w])).toThrow('the tape of this op is gone');
});

test('a nested scope leaves the tape to the one around it', () => {
  const device = referenceDevice();
  const w = paramOn(device, [2, 3]);
  scope(() =>
    backward(
      scope(() => sum(scope(() => multiply(w, w)))),
      [w],
    ),
  );
  expect([...device.values(w.grad)]).toEqual([4, 6]);
});

test('a loss of several elements, and one that depends on nothing, are refused', () => {
  const device = referenceDevice();
  const w = paramOn(device, [2, 3]);
  scope(() => {
    expect(() => backward(scale(w, 2), [w])).toThrow(ShapeError);
    expect(() => backward(scale(w, 2), [w])).toThrow('[backward] the loss must have one element, got [2]');
    expect(() => backward(sum(tensor(device, [1])), [w])).toThrow(TapeError);
    expect(() =>
      backward(
        noGrad(() => sum(w)),
        [w],
      ),
    ).toThrow('compute it outside of noGrad()');
  });
});

test('only the parameters that are asked for get a gradient, and no rule runs for others', () => {
  const device = referenceDevice();
  const arena = paramArena(device, [
    { name: 'a', shape: [1] },
    { name: 'b', shape: [1] },
  ]);
  const [a, b] = [arena.params.get('a') as Param, arena.params.get('b') as Param];
  write(a, [3]);
  write(b, [5]);
  scope(() => backward(sum(multiply(a, b)), [a]));
  expect([...device.values(a.grad)]).toEqual([5]);
  expect([...device.values(b.grad)]).toEqual([0]);
});

test('an error in a rule leaves no memory behind', () => {
  const device = referenceDevice();
  const w = paramOn(device, [1, 2]);
  const broken: Op<'x', 'y', null> = {
    name: 'broken',
    infer: ({ x }) => ({ y: x }),
    reference: ({ x }, { y }) => y.set(x),
    vjp: {
      save: ['x'],
      pull() {
        throw new Error('from the rule');
      },
    },
  };
  const before = device.memory().live;
  expect(() => scope(() => backward(sum(run(broken, { x: scale(w, 2) }, null).y), [w]))).toThrow(
    'from the rule',
  );
  expect(device.memory().live).toBe(before);
});

test('saved tensors and gradients are freed on the way', () => {
  const device = referenceDevice();
  const w = paramOn(device, new Array(64).fill(0.01));
  scope(() => {
    const loss = scope(() => {
      let y: Tensor = w;
      for (let i = 0; i < 20; i++) y = exp(y);
      return sum(y);
    });
    const saved = device.memory().live;
    backward(loss, [w]);
    // At most a few gradients at a time on top of what was saved; nothing of it stays.
    expect(device.memory().peak).toBeLessThan(saved + 6 * 256);
    expect(device.memory().count).toBe(3);
  });
});
