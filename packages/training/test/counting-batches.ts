/** Batches whose tokens count upwards, so that a batch tells its position. */
import type { BatchSource } from '@qsparse/training';
import { VOCABULARY } from './bigram.ts';

export function countingBatches({
  rows = 2,
  length = 3,
  fingerprint = 'counting',
}: {
  readonly rows?: number;
  readonly length?: number;
  readonly fingerprint?: string;
} = {}): BatchSource {
  let at = 0;
  return {
    next() {
      const size = rows * length;
      const ids = Int32Array.from({ length: size + 1 }, (_, i) => ((at + i) * (at + i + 3)) % VOCABULARY);
      at += size;
      return { tokens: ids.slice(0, -1), targets: ids.slice(1), shape: [rows, length] };
    },
    position: () => ({ at }),
    seek(position) {
      at = (position as { at: number }).at;
    },
    fingerprint,
  };
}
