import {
  backward,
  capture,
  fillWith,
  matmul,
  type Param,
  paramArena,
  reshape,
  scope,
  type Tensor,
  tensor,
  write,
} from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';

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
