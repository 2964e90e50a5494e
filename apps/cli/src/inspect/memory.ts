/** What a model takes: on disk by dtype, and in memory for texts of several lengths. Numbers from its config, nothing is loaded. */
import { countParameters, type DecoderConfig } from '@qsparse/layers';

/** Bytes of the tensors of a file or checkpoint by what they are stored as, the most first. */
export function storedBytes(
  tensors: Iterable<{ readonly dtype: string; readonly byteLength: number }>,
): ReadonlyMap<string, number> {
  const bytes = new Map<string, number>();
  for (const { dtype, byteLength } of tensors) bytes.set(dtype, (bytes.get(dtype) ?? 0) + byteLength);
  return new Map([...bytes].sort(([, a], [, b]) => b - a));
}

export interface MemoryUse {
  readonly contextLength: number;
  /** Keys and values of one sequence, f32. */
  readonly cache: number;
  /** With the weights, f32, which every sequence shares. */
  readonly total: number;
}

/** Tokens of a prompt that generation reads at once. */
const CHUNK = 128;

/** For contexts of 512, 2048, 8192 and so on, and for the longest. */
export function memoryUse(config: DecoderConfig): readonly MemoryUse[] {
  const lengths = [config.contextLength];
  for (let length = 512; length < config.contextLength; length *= 4) lengths.splice(-1, 0, length);
  const weights = 4 * countParameters(config).total;
  return lengths.map((contextLength) => {
    const cache = cacheBytes(config, contextLength);
    return { contextLength, cache, total: weights + cache };
  });
}

/** Layers with a sliding window keep the window and what is read at once. */
function cacheBytes(config: DecoderConfig, contextLength: number): number {
  const { layers, keyValueHeads, headSize, slidingWindow, slidingLayers } = config;
  const rolling = Math.min(contextLength, slidingWindow - 1 + CHUNK);
  let tokens = 0;
  for (let layer = 0; layer < layers; layer++)
    tokens += slidingWindow > 0 && (slidingLayers?.[layer] ?? true) ? rolling : contextLength;
  return 2 * 4 * tokens * keyValueHeads * headSize;
}
