/** Counts the zeros of the inputs of linear layers on the first tokens of an evaluation. Padding is not counted. */
import { type Decoder, type Observe, siteParameters } from '@qsparse/layers';
import type { Row } from './batches.ts';
import type { MeasuredSparsity } from './scorer.ts';

export interface SparsityMeter {
  /** For the forward pass of this batch; undefined once enough tokens were counted. */
  observerOf(batch: readonly Row[]): Observe | undefined;
  /** Resolves when what was observed is counted. */
  settle(): Promise<void>;
  /** What was counted since the last call. */
  take(): MeasuredSparsity | undefined;
}

/** Counts about `most` tokens between two calls of `take`; the inputs come to the host for it. */
export function createSparsityMeter(model: Decoder, most: number): SparsityMeter {
  const weights = siteParameters(model.config);
  const zeros = new Map<string, number>();
  const seen = new Map<string, number>();
  let pending: Promise<void>[] = [];
  let tokens = 0;
  return {
    observerOf(batch) {
      if (tokens >= most) return undefined;
      const lengths = batch.map((row) => row.tokens.length);
      tokens += lengths.reduce((sum, length) => sum + length, 0);
      return (site, selected) => {
        const [, length, width] = selected.shape as [number, number, number];
        pending.push(
          selected.data().then((values) => {
            let count = 0;
            for (const [row, used] of lengths.entries()) {
              const from = row * length * width;
              for (let i = from; i < from + used * width; i++) if (values[i] === 0) count++;
            }
            zeros.set(site, (zeros.get(site) ?? 0) + count);
            const all = width * lengths.reduce((sum, used) => sum + used, 0);
            seen.set(site, (seen.get(site) ?? 0) + all);
          }),
        );
      };
    },
    async settle() {
      const waiting = pending;
      pending = [];
      await Promise.all(waiting);
    },
    take() {
      if (seen.size === 0) return undefined;
      const sites = Object.fromEntries([...zeros].map(([site, count]) => [site, count / seen.get(site)!]));
      let [left, all] = [0, 0];
      for (const [site, share] of Object.entries(sites)) {
        left += weights.get(site)! * share;
        all += weights.get(site)!;
      }
      const measured = { tokens, overall: left / all, sites };
      tokens = 0;
      zeros.clear();
      seen.clear();
      return measured;
    },
  };
}
