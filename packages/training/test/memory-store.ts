/** Checkpoints as bytes in memory, through the real file formats. */
import {
  bytesReader,
  memorySink,
  openSafetensors,
  type TensorToWrite,
  writeSafetensors,
} from '@qsparse/formats';
import type { CheckpointStore, CheckpointToWrite, TrainingState } from '@qsparse/training';

interface Saved {
  readonly state: string;
  readonly weights: Uint8Array;
  readonly moments: Uint8Array;
}

export interface MemoryStore extends CheckpointStore {
  readonly saved: Saved[];
}

export function memoryStore(): MemoryStore {
  const saved: Saved[] = [];
  return {
    saved,
    async save({ state, weights, moments }: CheckpointToWrite) {
      const files = { weights: await bytesOf(weights), moments: await bytesOf(moments) };
      saved.push({ state: JSON.stringify(state), ...files });
    },
    async latest() {
      const newest = saved.at(-1);
      if (!newest) return undefined;
      const state = JSON.parse(newest.state) as TrainingState;
      const weights = await openSafetensors(bytesReader(newest.weights, 'model.safetensors'));
      const moments = await openSafetensors(bytesReader(newest.moments, 'optimizer.safetensors'));
      return { name: `memory ${state.step}`, state, weights, moments, close: async () => {} };
    },
  };
}

async function bytesOf(tensors: readonly TensorToWrite[]): Promise<Uint8Array> {
  const sink = memorySink();
  await writeSafetensors(sink, tensors);
  return sink.bytes();
}
