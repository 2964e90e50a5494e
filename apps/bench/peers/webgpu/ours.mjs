// Our WebGPU device as a contestant of race.mjs.
import { webgpuDevice } from '@qsparse/backend-webgpu';
import {
  accumulate,
  backward,
  capture,
  fillWith,
  matmul,
  mean,
  paramArena,
  relu,
  scale,
  scope,
  square,
  subtract,
  tensor,
  write,
} from '@qsparse/core';
import { COMPARED_STEPS, LEARNING_RATE, networkInputs, numbers } from './inputs.mjs';

export async function open() {
  const device = await webgpuDevice();
  return {
    peer: 'ours',
    adapter: device.adapter,
    product(n) {
      const [a, b] = [1, 2].map((seed) => tensor(device, numbers(seed, n * n), [n, n]));
      return {
        async run(count) {
          for (let i = 0; i < count; i++) scope(() => void matmul(a, b));
          await device.settled();
        },
        async result() {
          const c = matmul(a, b);
          const values = await c.data();
          c.dispose();
          return values;
        },
        end() {
          a.dispose();
          b.dispose();
        },
      };
    },
    network(sizes) {
      const given = networkInputs(sizes);
      const arena = paramArena(
        device,
        ['w1', 'w2'].map((name) => ({ name, shape: given[name][1] })),
      );
      for (const [name, param] of arena.params) write(param, given[name][0]);
      const [w1, w2] = [arena.params.get('w1'), arena.params.get('w2')];
      const step = capture(({ x, target }) => {
        fillWith(arena.grads, 0);
        const loss = mean(square(subtract(matmul(relu(matmul(x, w1)), w2), target)));
        backward(loss, arena.params.values());
        accumulate(arena.values, scale(arena.grads, -LEARNING_RATE));
        return loss;
      });
      const inputs = { x: tensor(device, ...given.x), target: tensor(device, ...given.target) };
      return {
        async run(count) {
          for (let i = 0; i < count; i++) step(inputs);
          await device.settled();
        },
        async result() {
          for (let i = 1; i < COMPARED_STEPS; i++) step(inputs);
          return await step(inputs).item();
        },
        end() {
          step.dispose();
          for (const input of Object.values(inputs)) input.dispose();
          arena.dispose();
        },
      };
    },
    close: () => device.dispose(),
  };
}
