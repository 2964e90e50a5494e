/** Applying merges to one pre-token: lowest rank first, and of equal rank the leftmost. */
import { createHeap } from './heap.ts';
import { MAX_VOCABULARY_SIZE } from './tokenizer.ts';

/** `left` and `right` become `result`; a merge's rank is its index in the list. No pair comes twice. */
export interface Merge {
  readonly left: number;
  readonly right: number;
  readonly result: number;
}

/** One number for a pair of ids: exact, since both are below 2^24. */
export function pairKey(left: number, right: number): number {
  return left * MAX_VOCABULARY_SIZE + right;
}

/**
 * Merges ids in place and returns how many are left. O(n log n), so that a long run without white space costs no more
 * than the same text in words.
 */
export type Merger = (ids: Int32Array) => number;

export function createMerger(merges: readonly Merge[]): Merger {
  const ranks = new Map(merges.map(({ left, right }, rank) => [pairKey(left, right), rank]));
  return function merge(ids) {
    const count = ids.length;
    if (count < 2) return count;
    const next = new Int32Array(count);
    const previous = new Int32Array(count);
    // Rank of the pair that begins here now; what the heap says otherwise is out of date.
    const rankAt = new Int32Array(count);
    // Keys are rank · count + place, so the order is by rank, then from left to right.
    const heap = createHeap<number>((a, b) => a < b);
    const look = (at: number): void => {
      const after = next[at]!;
      const rank = after < count ? ranks.get(pairKey(ids[at]!, ids[after]!)) : undefined;
      rankAt[at] = rank ?? -1;
      if (rank !== undefined) heap.push(rank * count + at);
    };
    for (let at = 0; at < count; at++) {
      next[at] = at + 1;
      previous[at] = at - 1;
    }
    for (let at = 0; at < count; at++) look(at);
    for (let key = heap.pop(); key !== undefined; key = heap.pop()) {
      const rank = Math.floor(key / count);
      const at = key % count;
      if (rankAt[at] !== rank) continue;
      const absorbed = next[at]!;
      const after = next[absorbed]!;
      ids[at] = merges[rank]!.result;
      rankAt[absorbed] = -1;
      next[at] = after;
      if (after < count) previous[after] = at;
      look(at);
      if (previous[at]! >= 0) look(previous[at]!);
    }
    let left = 0;
    for (let at = 0; at < count; at = next[at]!) ids[left++] = ids[at]!;
    return left;
  };
}
