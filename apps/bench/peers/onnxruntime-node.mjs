// onnxruntime-node (native code): f32 matrix products. Arguments: THREADS. Run in a folder that has onnxruntime-node.
import { matmulModel } from './onnx-matmul.mjs';
import { report, requirePeer, seconds, sizes } from './peer.mjs';

const ort = requirePeer('onnxruntime-node');
const threads = Number(process.argv[2] ?? 1);
const products = {};
for (const n of sizes.products) {
  const session = await ort.InferenceSession.create(matmulModel(n), {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  });
  const random = () => new ort.Tensor('float32', Float32Array.from({ length: n * n }, Math.random), [n, n]);
  const feeds = { a: random(), b: random() };
  products[n] = await seconds(() => session.run(feeds));
}
report({ peer: 'onnxruntime-node', threads, products });
