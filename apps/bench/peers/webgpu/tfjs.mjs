// TensorFlow.js on its WebGPU backend as a contestant of race.mjs. In Node the caller puts WebGPU into globalThis first.
import '@tensorflow/tfjs-backend-webgpu';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import * as tf from '@tensorflow/tfjs-core';
import { COMPARED_STEPS, LEARNING_RATE, networkInputs, numbers } from './inputs.mjs';

export async function open() {
  await tf.setBackend('webgpu');
  await tf.ready();
  const backend = tf.backend();
  const settled = async () => {
    if (backend.commandEncoder) {
      backend.endComputePassEncoder();
      backend.submitQueue();
    }
    await backend.queue.onSubmittedWorkDone();
  };
  return {
    peer: `TensorFlow.js ${tf.version_core}`,
    product(n) {
      const [a, b] = [1, 2].map((seed) => tf.tensor(numbers(seed, n * n), [n, n]));
      return {
        async run(count) {
          for (let i = 0; i < count; i++) tf.matMul(a, b).dispose();
          await settled();
        },
        async result() {
          const c = tf.matMul(a, b);
          const values = await c.data();
          c.dispose();
          return values;
        },
        end: () => tf.dispose([a, b]),
      };
    },
    network(sizes) {
      const given = networkInputs(sizes);
      const [w1, w2] = [tf.variable(tf.tensor(...given.w1)), tf.variable(tf.tensor(...given.w2))];
      const [x, target] = [tf.tensor(...given.x), tf.tensor(...given.target)];
      const loss = () => tf.mean(tf.square(tf.sub(tf.matMul(tf.relu(tf.matMul(x, w1)), w2), target)));
      const { sgd } = tf.train;
      const optimizer = sgd(LEARNING_RATE);
      return {
        async run(count) {
          for (let i = 0; i < count; i++) optimizer.minimize(loss);
          await settled();
        },
        async result() {
          for (let i = 1; i < COMPARED_STEPS; i++) optimizer.minimize(loss);
          const cost = optimizer.minimize(loss, true);
          const [value] = await cost.data();
          cost.dispose();
          return value;
        },
        end: () => tf.dispose([w1, w2, x, target]),
      };
    },
    close() {},
  };
}
