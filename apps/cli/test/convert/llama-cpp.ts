/** llama.cpp, where its prebuilt binary for this machine loads: an engine that is not ours, to check exported files with. */
import type { Llama } from 'node-llama-cpp';

export interface LlamaCpp {
  /** Ids of a text without the tokens around it. */
  tokenize(text: string): readonly number[];
  /** Text of ids. */
  detokenize(ids: readonly number[]): string;
  /** The likeliest next tokens, one after the other. */
  greedy(prompt: readonly number[], count: number): Promise<readonly number[]>;
  close(): Promise<void>;
}

/** Nothing is built or downloaded. Returns the reason where there is no binary to load. */
async function load(): Promise<Llama | string> {
  try {
    const { getLlama } = await import('node-llama-cpp');
    const options = { build: 'never', skipDownload: true, gpu: false, progressLogs: false } as const;
    return await getLlama({ ...options, logLevel: 'error' as never, maxThreads: 1 });
  } catch (error) {
    return error instanceof Error ? error.message.split('\n')[0]! : String(error);
  }
}

const loaded = await load();

/** Why there is no llama.cpp here; undefined where there is. */
export const missing: string | undefined = typeof loaded === 'string' ? loaded : undefined;

/** Opens a GGUF file. Only where `missing` is undefined. */
export async function openInLlamaCpp(path: string): Promise<LlamaCpp> {
  if (typeof loaded === 'string') throw new Error(loaded);
  const model = await loaded.loadModel({ modelPath: path, useMmap: false, gpuLayers: 0 });
  const context = await model.createContext({ contextSize: 256, batchSize: 256, threads: 1 });
  return {
    tokenize: (text) => model.tokenize(text, false),
    detokenize: (ids) => model.detokenize(ids as never[], false),
    async greedy(prompt, count) {
      const sequence = context.getSequence();
      const options = { temperature: 0, yieldEogToken: true };
      const tokens: number[] = [];
      for await (const token of sequence.evaluate(prompt as never[], options)) {
        if (tokens.push(token) === count) break;
      }
      await sequence.dispose();
      return tokens;
    },
    close: async () => {
      await context.dispose();
      await model.dispose();
    },
  };
}
