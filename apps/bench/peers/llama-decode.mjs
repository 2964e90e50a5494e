// node-llama-cpp, which is llama.cpp's native code: prompts and decoding of a GGUF file. Run in a folder that has it.
import { decodeArguments, peakMegabytes, print, rates, someTokens } from './decode.mjs';
import { importPeer } from './peer.mjs';

const { model: modelPath, threads, prompt, tokens, turns } = decodeArguments();
const { getLlama } = await importPeer('node-llama-cpp');
const llama = await getLlama({
  ...{ gpu: false, build: 'never', skipDownload: true, progressLogs: false },
  ...{ logLevel: 'error', maxThreads: threads },
});
const model = await llama.loadModel({ modelPath, useMmap: false, gpuLayers: 0 });
const context = await model.createContext({ contextSize: 1024, batchSize: 512, threads });
const sequence = context.getSequence();
const ids = someTokens(prompt);
await sequence.evaluateWithoutGeneratingNewTokens(ids.slice(0, 32));
await sequence.clearHistory();

const [prefill, decode] = [[], []];
for (let turn = 0; turn < turns; turn++) {
  const start = performance.now();
  await sequence.evaluateWithoutGeneratingNewTokens(ids);
  prefill.push(performance.now() - start);
  await sequence.clearHistory();
  let first;
  let count = -1;
  for await (const _ of sequence.evaluate(ids.slice(0, 8), { temperature: 0, yieldEogToken: true })) {
    first ??= performance.now();
    count += 1;
    if (count === tokens) break;
  }
  decode.push(performance.now() - first);
  await sequence.clearHistory();
}
print({
  prefill: rates(prompt, prefill),
  decode: rates(tokens, decode),
  peakMegabytes: peakMegabytes(),
});
