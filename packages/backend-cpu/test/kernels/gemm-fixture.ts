// Random matrix products against plain float64 loops, and a small arena on a runtime's memory. Shared by tests.

import type { KernelArguments, Runtime } from '@qsparse/backend-cpu/runtime';

export interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly accumulate?: boolean;
  readonly batch?: number;
  /** One B for the whole batch. */
  readonly shareB?: boolean;
}

/** mulberry32: numbers in [0, 1) that only depend on the seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const GUARD = 16; // floats around C that must stay as they are
const GUARD_VALUE = 12345.5;
const POISON = Number.NaN;

/** Runs the matmul kernel and returns C; throws when it wrote outside C. `misalign` moves all operands by so many floats. */
export function multiply(runtime: Runtime, product: Product, seed: number, misalign = 0): Float32Array {
  const { m, n, k, transposeA, transposeB, accumulate, batch = 1, shareB } = product;
  const sizes = [batch * m * k, (shareB ? 1 : batch) * k * n, GUARD + batch * m * n + GUARD];
  const starts: number[] = [];
  let next = runtime.heapStart / 4 + 64;
  for (const size of sizes) {
    starts.push(next + misalign);
    next += Math.ceil((size + misalign) / 16) * 16;
  }
  runtime.growTo(next * 4);
  const { f32 } = runtime.views;
  const random = randomNumbers(seed);
  const [a, b, guarded] = starts as [number, number, number];
  for (let i = 0; i < sizes[0]!; i++) f32[a + i] = random() - 0.5;
  for (let i = 0; i < sizes[1]!; i++) f32[b + i] = random() - 0.5;
  const c = guarded + GUARD;
  f32.fill(GUARD_VALUE, guarded, guarded + sizes[2]!);
  for (let i = 0; i < batch * m * n; i++) f32[c + i] = accumulate ? random() - 0.5 : POISON;

  const args: KernelArguments<'matmul'> = {
    ...{ a: a * 4, b: b * 4, c: c * 4, m, n, k, batch },
    ...{ transposeA: Number(transposeA ?? false), transposeB: Number(transposeB ?? false) },
    ...{
      accumulate: Number(accumulate ?? false),
      strideA: m * k,
      strideB: shareB ? 0 : k * n,
      strideC: m * n,
    },
  };
  runtime.writeArguments('matmul', runtime.heapStart, args);
  runtime.launch(runtime.kernels.matmul, runtime.heapStart);

  const end = c + batch * m * n;
  for (let i = 0; i < GUARD; i++) {
    if (f32[guarded + i] !== GUARD_VALUE || f32[end + i] !== GUARD_VALUE)
      throw new Error('matmul wrote outside C');
  }
  return f32.slice(c, end);
}

/** The same product in float64, and the sum of the magnitudes of each element's terms as the scale of its error. */
export function expected(product: Product, seed: number): { value: Float64Array; scale: Float64Array } {
  const { m, n, k, transposeA, transposeB, accumulate, batch = 1, shareB } = product;
  const random = randomNumbers(seed);
  const draw = (count: number) => Float32Array.from({ length: count }, () => random() - 0.5);
  const a = draw(batch * m * k);
  const b = draw((shareB ? 1 : batch) * k * n);
  const value = accumulate ? Float64Array.from(draw(batch * m * n)) : new Float64Array(batch * m * n);
  const scale = value.map(Math.abs);
  for (let item = 0; item < batch; item++) {
    const [a0, b0] = [item * m * k, shareB ? 0 : item * k * n];
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        const at = (item * m + i) * n + j;
        for (let p = 0; p < k; p++) {
          const term =
            a[a0 + (transposeA ? p * m + i : i * k + p)]! * b[b0 + (transposeB ? j * k + p : p * n + j)]!;
          value[at]! += term;
          scale[at]! += Math.abs(term);
        }
      }
    }
  }
  return { value, scale };
}
