/**
 * All adjacent pairs of a training corpus with their counts, kept up to date while pairs are merged. Each distinct
 * pre-token is stored once with its frequency; a merge touches only the places where its pair stands.
 */
import { createHeap } from './heap.ts';
import { pairKey } from './merges.ts';

export interface Pair {
  readonly left: number;
  readonly right: number;
  /** Occurrences in the corpus now; of overlapping ones ("aaa") each counts. */
  readonly count: number;
}

export interface PairTable {
  /**
   * Takes out the most frequent pair; of equal counts the one with the smallest left id, then the smallest right id.
   * A pair is given once: merge it, or it stays as it is for good.
   */
  takeBest(): Pair | undefined;
  /** Replaces every occurrence by a new id, in each pre-token from left to right. */
  merge(pair: Pair, result: number): void;
}

interface PairRecord {
  readonly left: number;
  readonly right: number;
  count: number;
  /** Where the left token begins, ascending. Some may be out of date: check before use. */
  readonly places: number[];
}

interface HeapEntry {
  /** The pair's count when it was queued; since then it can only have sunk. */
  readonly count: number;
  readonly pair: PairRecord;
}

const NOTHING = -1;

/** `frequencies` maps each distinct pre-token to how often it comes; ids are bytes at first. */
export function createPairTable(frequencies: ReadonlyMap<string, number>): PairTable {
  const { ids, weights } = layOut(frequencies);
  const length = ids.length;
  // Neighbours by place; a pre-token's first and last token have none.
  const next = new Int32Array(length).fill(NOTHING);
  const previous = new Int32Array(length).fill(NOTHING);
  const pairs = new Map<number, PairRecord>();
  // New neighbours always hold the newest id: a pair gains all its occurrences at once, and later only loses some.
  let created: PairRecord[] = [];
  const heap = createHeap<HeapEntry>(
    (a, b) =>
      a.count > b.count ||
      (a.count === b.count &&
        (a.pair.left < b.pair.left || (a.pair.left === b.pair.left && a.pair.right < b.pair.right))),
  );

  const add = (place: number): void => {
    const left = ids[place]!;
    const right = ids[next[place]!]!;
    const key = pairKey(left, right);
    let pair = pairs.get(key);
    if (!pair) {
      pair = { left, right, count: 0, places: [] };
      pairs.set(key, pair);
      created.push(pair);
    }
    pair.count += weights[place]!;
    pair.places.push(place);
  };
  const remove = (place: number): void => {
    pairs.get(pairKey(ids[place]!, ids[next[place]!]!))!.count -= weights[place]!;
  };
  const enqueue = (pair: PairRecord): void => {
    if (pair.count > 0) heap.push({ count: pair.count, pair });
  };
  const enqueueCreated = (): void => {
    created.forEach(enqueue);
    created = [];
  };

  for (let place = 0; place + 1 < length; place++) {
    if (ids[place] === NOTHING || ids[place + 1] === NOTHING) continue;
    next[place] = place + 1;
    previous[place + 1] = place;
    add(place);
  }
  enqueueCreated();

  return {
    takeBest() {
      for (let entry = heap.pop(); entry; entry = heap.pop()) {
        if (entry.count === entry.pair.count) return entry.pair;
        // The count has sunk: back to where it belongs now.
        enqueue(entry.pair);
      }
      return undefined;
    },
    merge({ left, right }, result) {
      for (const place of pairs.get(pairKey(left, right))!.places) {
        const absorbed = next[place]!;
        if (ids[place] !== left || absorbed === NOTHING || ids[absorbed] !== right) continue;
        const before = previous[place]!;
        const after = next[absorbed]!;
        remove(place);
        if (before !== NOTHING) remove(before);
        if (after !== NOTHING) remove(absorbed);
        ids[place] = result;
        ids[absorbed] = NOTHING;
        next[place] = after;
        if (after !== NOTHING) previous[after] = place;
        if (before !== NOTHING) add(before);
        if (after !== NOTHING) add(place);
      }
      pairs.delete(pairKey(left, right));
      enqueueCreated();
    },
  };
}

/** All pre-tokens in one array, each followed by NOTHING; `weights` holds a place's frequency. */
function layOut(frequencies: ReadonlyMap<string, number>): { ids: Int32Array; weights: Float64Array } {
  const utf8 = new TextEncoder();
  const words = [...frequencies].map(([word, frequency]) => ({ bytes: utf8.encode(word), frequency }));
  const length = words.reduce((sum, { bytes }) => sum + bytes.length + 1, 0);
  const ids = new Int32Array(length).fill(NOTHING);
  const weights = new Float64Array(length);
  let at = 0;
  for (const { bytes, frequency } of words) {
    ids.set(bytes, at);
    weights.fill(frequency, at, at + bytes.length);
    at += bytes.length + 1;
  }
  return { ids, weights };
}
