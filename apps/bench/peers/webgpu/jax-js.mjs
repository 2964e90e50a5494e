// jax-js on its WebGPU device as a contestant of race.mjs.
import { defaultDevice, getWebGPUDevice, grad, init, jit, numpy as np, valueAndGrad } from '@jax-js/jax';
import { COMPARED_STEPS, LEARNING_RATE, networkInputs, numbers } from './inputs.mjs';

export async function open() {
  await init('webgpu');
  defaultDevice('webgpu');
  // It is lazy: what nobody waits for may never run.
  const settled = async (arrays) => {
    for (const one of arrays) await one.blockUntilReady();
    await getWebGPUDevice().queue.onSubmittedWorkDone();
  };
  const array = (values, shape) => np.array(values).reshape(shape);
  return {
    peer: 'jax-js',
    product(n) {
      const [a, b] = [1, 2].map((seed) => array(numbers(seed, n * n), [n, n]));
      const product = jit((x, y) => np.matmul(x, y));
      return {
        async run(count) {
          const products = Array.from({ length: count }, () => product(a.ref, b.ref));
          await settled(products);
          for (const one of products) one.dispose();
        },
        result: () => product(a.ref, b.ref).data(),
        end() {
          a.dispose();
          b.dispose();
        },
      };
    },
    network(sizes) {
      const given = networkInputs(sizes);
      const [x, target] = [array(...given.x), array(...given.target)];
      let weights = { w1: array(...given.w1), w2: array(...given.w2) };
      const loss = ({ w1, w2 }, input, wanted) =>
        np.mean(np.square(np.matmul(np.maximum(np.matmul(input, w1), 0), w2).sub(wanted)));
      const moved = (w, d) => w.sub(d.mul(LEARNING_RATE));
      const step = jit((w, input, wanted) => {
        const d = grad(loss)({ w1: w.w1.ref, w2: w.w2.ref }, input, wanted);
        return { w1: moved(w.w1, d.w1), w2: moved(w.w2, d.w2) };
      });
      const first = jit((w, input, wanted) => {
        const [value, d] = valueAndGrad(loss)({ w1: w.w1.ref, w2: w.w2.ref }, input, wanted);
        return { value, w1: moved(w.w1, d.w1), w2: moved(w.w2, d.w2) };
      });
      return {
        async run(count) {
          for (let i = 0; i < count; i++) weights = step(weights, x.ref, target.ref);
          await settled(Object.values(weights));
        },
        async result() {
          for (let i = 1; i < COMPARED_STEPS; i++) weights = step(weights, x.ref, target.ref);
          const { value, ...next } = first(weights, x.ref, target.ref);
          weights = next;
          return (await value.data())[0];
        },
        end() {
          for (const one of [x, target, weights.w1, weights.w2]) one.dispose();
        },
      };
    },
    close() {},
  };
}
