// onnxruntime-node (native code): prompts and decoding of an ONNX file. Run in a folder that has it.
import { decodeArguments, peakMegabytes, print, rates, someTokens } from './decode.mjs';
import { timeOnnxDecoder } from './onnx-session.mjs';
import { requirePeer } from './peer.mjs';

const { model, threads, prompt, tokens, turns } = decodeArguments();
const times = await timeOnnxDecoder(requirePeer('onnxruntime-node'), model, {
  ...{ prompt: someTokens(prompt), tokens, turns },
  options: { intraOpNumThreads: threads, interOpNumThreads: 1, executionProviders: ['cpu'] },
});
print({
  prefill: rates(prompt, times.prefill),
  decode: rates(tokens, times.decode),
  peakMegabytes: peakMegabytes(),
});
