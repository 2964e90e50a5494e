// onnxruntime-web on WebAssembly: the page's part of chromium-decode.mjs.
import { timeOnnxDecoder } from '/peers/onnx-session.mjs';

export async function measure({ threads, prompt, tokens, turns }) {
  const ort = await import('/node_modules/onnxruntime-web/dist/ort.wasm.min.mjs');
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = '/node_modules/onnxruntime-web/dist/';
  ort.env.logLevel = 'error';
  const model = new Uint8Array(await (await fetch('/model')).arrayBuffer());
  return timeOnnxDecoder(ort, model, { prompt, tokens, turns, options: { executionProviders: ['wasm'] } });
}
