// jax-js on its WebAssembly device: f32 matrix products and one MLP training step. Run in a folder that has @jax-js/jax.
import { importPeer, report, seconds, sizes } from './peer.mjs';

// Node 20 has no navigator, which the package reads at start.
globalThis.navigator ??= { hardwareConcurrency: 2, userAgent: 'node' };
const { numpy: np, grad, jit, init, defaultDevice } = await importPeer('@jax-js/jax');
await init();
defaultDevice('wasm');

const products = {};
for (const n of sizes.products) {
  const [a, b] = [np.ones([n, n]), np.ones([n, n])];
  const product = jit((x, y) => np.matmul(x, y));
  products[n] = await seconds(async () => {
    const c = product(a.ref, b.ref);
    await c.data();
  });
}

const { batch, width, hidden } = sizes.mlp;
const random = (shape) =>
  np
    .array(Float32Array.from({ length: shape[0] * shape[1] }, () => (Math.random() - 0.5) * 0.05))
    .reshape(shape);
const [x, target] = [random([batch, width]), random([batch, width])];
let params = { w1: random([width, hidden]), w2: random([hidden, width]) };
const loss = (p, input, wanted) => {
  const inner = np.maximum(np.matmul(input, p.w1), 0);
  return np.mean(np.square(np.matmul(inner, p.w2).sub(wanted)));
};
const step = jit((p, input, wanted) => {
  const g = grad((q) => loss(q, input.ref, wanted.ref))({ w1: p.w1.ref, w2: p.w2.ref });
  return { w1: p.w1.sub(g.w1.mul(0.01)), w2: p.w2.sub(g.w2.mul(0.01)) };
});
const mlp = await seconds(async () => {
  params = step(params, x.ref, target.ref);
  await params.w1.ref.data();
});
report({ peer: 'jax-js', threads: 1, products, mlp });
