// wllama 2, llama.cpp as WebAssembly with SIMD kernels: the page's part of chromium-decode.mjs.
export async function measure({ threads, prompt, tokens, turns }) {
  const { Wllama } = await import('/node_modules/@wllama/wllama/esm/index.js');
  const folder = '/node_modules/@wllama/wllama/esm';
  const quiet = () => {};
  const wllama = new Wllama(
    {
      'single-thread/wllama.wasm': `${folder}/single-thread/wllama.wasm`,
      'multi-thread/wllama.wasm': `${folder}/multi-thread/wllama.wasm`,
    },
    { logger: { debug: quiet, log: quiet, warn: quiet, error: console.error } },
  );
  const model = await (await fetch('/model')).blob();
  await wllama.loadModel([model], { n_ctx: 1024, n_threads: threads, n_batch: 512 });
  const times = { prefill: [], decode: [] };
  for (let turn = 0; turn < turns; turn++) {
    await wllama.kvClear();
    let start = performance.now();
    await wllama.decode(prompt, {});
    times.prefill.push(performance.now() - start);
    await wllama.kvClear();
    await wllama.decode(prompt.slice(0, 8), {});
    start = performance.now();
    for (let i = 0; i < tokens; i++) await wllama.decode([prompt[i % prompt.length]], {});
    times.decode.push(performance.now() - start);
  }
  return times;
}
