/**
 * Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011). Number i of a stream is a function of (seed, stream, i) alone, so every device draws the same ones
 * and a checkpoint needs no generator state.
 */
const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/** High and low 32 bits of a·b, both 32-bit unsigned. */
function multiply(a: number, b: number): [high: number, low: number] {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const cross = a0 * b1 + (middle & 0xffff);
  return [(a1 * b1 + Math.floor(middle / 65536) + Math.floor(cross / 65536)) >>> 0, Math.imul(a, b) >>> 0];
}

/** Ten rounds: four 32-bit words from a 128-bit counter and a 64-bit key. */
export function philox(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [h0, l0] = multiply(M0, c0);
    const [h1, l1] = multiply(M1, c2);
    [c0, c1, c2, c3] = [(h1 ^ c1 ^ k0) >>> 0, l1, (h0 ^ c3 ^ k1) >>> 0, l0];
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** Word `index` (0 to 2^34) of the stream: counter (index / 4, 0, stream, 0), key (seed low, seed high). */
export function randomWord(seed: number, stream: number, index: number): number {
  const block = Math.floor(index / 4);
  return philox([block >>> 0, Math.floor(block / 2 ** 32) >>> 0, stream >>> 0, 0], seedKey(seed))[index % 4]!;
}

/** A number in [0, 1) with 24 bits, exact in f32. */
export function wordToUniform(word: number): number {
  return (word >>> 8) / 2 ** 24;
}

/** `count` uniform numbers in [0, 1). */
export function uniform(seed: number, stream: number, count: number): Float32Array {
  const out = new Float32Array(count);
  for (let i = 0; i < count; i += 4) {
    const words = philox([(i / 4) >>> 0, 0, stream >>> 0, 0], seedKey(seed));
    for (let j = 0; j < 4 && i + j < count; j++) out[i + j] = wordToUniform(words[j]!);
  }
  return out;
}

/** `count` standard normal numbers, by Box and Muller from two words each, in float64. */
export function normal(seed: number, stream: number, count: number): Float64Array {
  const out = new Float64Array(count);
  for (let i = 0; i < count; i += 2) {
    const words = philox([(i / 2) >>> 0, 0, stream >>> 0, 1], seedKey(seed));
    // 1 - u is in (0, 1], so that the logarithm is finite.
    const radius = Math.sqrt(-2 * Math.log(1 - words[0]! / 2 ** 32));
    const angle = 2 * Math.PI * (words[1]! / 2 ** 32);
    out[i] = radius * Math.cos(angle);
    if (i + 1 < count) out[i + 1] = radius * Math.sin(angle);
  }
  return out;
}

/** A seed is a whole number below 2^53; its low and high words are the key. */
export function seedKey(seed: number): [number, number] {
  return [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
}
