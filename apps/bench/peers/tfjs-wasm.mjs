// TensorFlow.js on its WebAssembly backend. Run in a folder that has @tensorflow/tfjs and @tensorflow/tfjs-backend-wasm.
import { dirname, join } from 'node:path';
import { report, requirePeer, resolvePeer, seconds, sizes } from './peer.mjs';

const tf = requirePeer('@tensorflow/tfjs');
const wasm = requirePeer('@tensorflow/tfjs-backend-wasm');
wasm.setWasmPaths(join(dirname(resolvePeer('@tensorflow/tfjs-backend-wasm/package.json')), 'dist/'));
await tf.setBackend('wasm');
await tf.ready();

const products = {};
for (const n of sizes.products) {
  const [a, b] = [tf.randomNormal([n, n]), tf.randomNormal([n, n])];
  products[n] = await seconds(() => {
    const c = tf.matMul(a, b);
    c.dataSync();
    c.dispose();
  });
}

const { batch, width, hidden } = sizes.mlp;
const w1 = tf.variable(tf.randomNormal([width, hidden], 0, 0.02));
const w2 = tf.variable(tf.randomNormal([hidden, width], 0, 0.02));
const [x, target] = [tf.randomNormal([batch, width]), tf.randomNormal([batch, width])];
const optimizer = tf.train.sgd(0.01);
const mlp = await seconds(() => {
  optimizer.minimize(() =>
    tf.tidy(() => tf.losses.meanSquaredError(target, tf.matMul(tf.relu(tf.matMul(x, w1)), w2))),
  );
  w1.dataSync();
});
report({ peer: 'tfjs-wasm', threads: wasm.getThreadsCount?.() ?? 1, products, mlp });
