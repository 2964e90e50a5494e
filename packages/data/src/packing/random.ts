/**
 * Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 * A draw depends on (seed, stream, index) alone, so an order can be made again from its seed on every machine.
 */
const WORD = 2 ** 32;

/** High 32 bits of the product of two unsigned 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const low = (a & 0xffff) * b;
  const high = (a >>> 16) * b;
  // Each sum stays below 2^53, so nothing is rounded.
  return Math.floor((high + Math.floor(low / 0x10000)) / 0x10000);
}

export type Words = readonly [number, number, number, number];

/** Four random 32-bit words for a counter of four and a key of two. */
export function philox4x32(counter: Words, key: readonly [number, number]): Words {
  let [a, b, c, d] = counter;
  let [key0, key1] = key;
  for (let round = 0; round < 10; round++) {
    const highA = multiplyHigh(a, 0xd2511f53);
    const highC = multiplyHigh(c, 0xcd9e8d57);
    const lowA = Math.imul(a, 0xd2511f53) >>> 0;
    const lowC = Math.imul(c, 0xcd9e8d57) >>> 0;
    a = (highC ^ b ^ key0) >>> 0;
    b = lowC;
    c = (highA ^ d ^ key1) >>> 0;
    d = lowA;
    key0 = (key0 + 0x9e3779b9) >>> 0;
    key1 = (key1 + 0xbb67ae85) >>> 0;
  }
  return [a, b, c, d];
}

/** An integer from 0 to bound − 1, by 53 random bits; `seed` and `stream` are integers from 0 to 2^53 − 1. */
export function randomBelow(bound: number, seed: number, stream: number, index: number): number {
  const counter: Words = [index >>> 0, Math.floor(index / WORD), stream >>> 0, Math.floor(stream / WORD)];
  const [high, low] = philox4x32(counter, [seed >>> 0, Math.floor(seed / WORD)]);
  return Math.floor(((high * 2 ** 21 + (low >>> 11)) / 2 ** 53) * bound);
}

/** The numbers 0 to count − 1 in an order that (seed, stream) decide (Fisher and Yates). */
export function permutation(count: number, seed: number, stream: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = randomBelow(last + 1, seed, stream, last);
    const kept = order[last]!;
    order[last] = order[other]!;
    order[other] = kept;
  }
  return order;
}
