/** The engines that decoding is compared with: what each is installed from, which program runs it, and on which shapes. */
import type { PeerShapeName } from './shapes.ts';

export type ModelForm = 'gguf' | 'onnx2' | 'onnx4';

export interface DecodeEngine {
  /** What `--only` takes. */
  readonly name: string;
  readonly packages: Readonly<Record<string, string>>;
  /** In peers/, with what stands before the model. */
  readonly program: readonly [file: string, ...first: string[]];
  readonly form: ModelForm;
  readonly weights: string;
  readonly place: 'Node' | 'Chromium';
  readonly shapes: readonly PeerShapeName[];
  readonly threads: readonly number[];
  /** Tokens of a text, and turns: slow engines have fewer. */
  readonly tokens: number;
  readonly turns: number;
}

const ONNXRUNTIME = { 'onnxruntime-node': '1.30.0' };
const ONNXRUNTIME_WEB = { 'onnxruntime-web': '1.30.0' };
const SMALL = ['1M', '214M'] as const;
const USUAL = { threads: [1, 2], tokens: 64, turns: 5 } as const;

export const DECODE_ENGINES: readonly DecodeEngine[] = [
  {
    ...{ name: 'node-llama-cpp', packages: { 'node-llama-cpp': '3.22.1' }, program: ['llama-decode.mjs'] },
    ...{ form: 'gguf', weights: 'TQ2_0', place: 'Node', shapes: ['1M', '214M', '2B4T'], ...USUAL },
  },
  {
    ...{ name: 'onnxruntime-node', packages: ONNXRUNTIME, program: ['onnx-decode.mjs'] },
    ...{ form: 'onnx2', weights: '2-bit', place: 'Node', shapes: SMALL, ...USUAL },
  },
  {
    ...{ name: 'onnxruntime-node', packages: ONNXRUNTIME, program: ['onnx-decode.mjs'] },
    ...{ form: 'onnx4', weights: '4-bit', place: 'Node', shapes: SMALL, ...USUAL },
  },
  {
    ...{ name: 'wllama', packages: { '@wllama/wllama': '2.4.0' } },
    ...{ program: ['chromium-decode.mjs', 'wllama'], form: 'gguf', weights: 'TQ2_0', place: 'Chromium' },
    ...{ shapes: SMALL, threads: [2], tokens: 32, turns: 2 },
  },
  {
    ...{ name: 'onnxruntime-web', packages: ONNXRUNTIME_WEB },
    ...{
      program: ['chromium-decode.mjs', 'onnxruntime-web'],
      form: 'onnx2',
      weights: '2-bit',
      place: 'Chromium',
    },
    ...{ shapes: SMALL, threads: [2], tokens: 16, turns: 2 },
  },
];

/** Ours, timed by `qsparse bench decode` in Node and by the same function in a page. */
export const OURS = 'qsparse';
