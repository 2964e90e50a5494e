/** Random numbers from a seed, the same on every machine: enough for resampling, not for secrets. */

/** Uniform numbers in [0, 1): a Weyl sequence through a 32-bit mixer, twice for 53 bits. */
export function randomNumbers(seed: number): () => number {
  let state = Math.trunc(seed) >>> 0;
  const word = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x7feb352d);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
    return (mixed ^ (mixed >>> 16)) >>> 0;
  };
  return () => ((word() >>> 5) * 2 ** 26 + (word() >>> 6)) / 2 ** 53;
}

/** A normal number with mean 0 and deviation 1 (Box and Muller). */
export function normalNumber(uniform: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}
