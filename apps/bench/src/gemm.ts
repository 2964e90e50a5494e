// Speed of the CPU runtime alone: f32 matrix products in GFLOP/s and what handing work to the threads costs.
// Below the tensor level: no allocation, no op dispatch.

import { type Runtime, startRuntime } from '@qsparse/backend-cpu/runtime';

export interface ProductRow {
  readonly threads: number;
  readonly size: number;
  readonly form: 'NN' | 'NT' | 'TN';
  /** Of the fastest and of the median repetition. */
  readonly gflops: readonly [best: number, median: number];
}

export interface RegionRow {
  readonly threads: number;
  /** Microseconds from launch to return of a kernel that does nothing worth mentioning, threads awake. */
  readonly hotMicroseconds: readonly [best: number, median: number];
}

const SIZES = [512, 1024];
const FORMS = ['NN', 'NT', 'TN'] as const;
const SECONDS = 1; // per row

/** Seconds a call, best and median of samples that each take some milliseconds. */
function time(run: () => void, callsPerSample: number): [best: number, median: number] {
  const samples: number[] = [];
  for (const end = performance.now() + 1e3 * SECONDS; performance.now() < end; ) {
    const start = performance.now();
    for (let i = 0; i < callsPerSample; i++) run();
    samples.push((performance.now() - start) / 1e3 / callsPerSample);
  }
  samples.sort((a, b) => a - b);
  return [samples[0]!, samples[samples.length >> 1]!];
}

function timeProduct(runtime: Runtime, size: number, form: ProductRow['form']): ProductRow {
  const args = runtime.heapStart;
  const bytes = 4 * size * size;
  const a = args + 1024;
  runtime.growTo(a + 3 * bytes);
  const { f32 } = runtime.views;
  for (let i = 0; i < 2 * size * size; i++) f32[a / 4 + i] = ((i * 7919) % 1000) / 1000 - 0.5;
  const [transposeA, transposeB] = [Number(form[0] === 'T'), Number(form[1] === 'T')];
  runtime.writeArguments('matmul', args, {
    ...{ a, b: a + bytes, c: a + 2 * bytes, m: size, n: size, k: size, transposeA, transposeB },
    ...{ accumulate: 0, batch: 1, strideA: 0, strideB: 0, strideC: 0 },
  });
  const flops = 2 * size ** 3;
  const seconds = time(() => runtime.launch(runtime.kernels.matmul, args), Math.ceil(2e8 / flops));
  return {
    threads: runtime.threads,
    size,
    form,
    gflops: [flops / seconds[0] / 1e9, flops / seconds[1] / 1e9],
  };
}

function timeRegion(runtime: Runtime): RegionRow {
  const list = runtime.heapStart;
  const launches = 1000;
  const args = list + 8 * launches;
  runtime.growTo(args + 1024);
  runtime.writeArguments('fill', args, { out: args + 512, count: 32, value: 0 });
  for (let i = 0; i < launches; i++) runtime.views.i32.set([runtime.kernels.fill, args], list / 4 + 2 * i);
  const [best, median] = time(() => runtime.replay(list, launches), 1);
  return {
    threads: runtime.threads,
    hotMicroseconds: [(best / launches) * 1e6, (median / launches) * 1e6],
  };
}

/** Products at one and at `threads` threads, and the time of an empty parallel region. */
export async function timeProducts(
  threadCounts: readonly number[],
): Promise<{ simd: string; products: ProductRow[]; regions: RegionRow[] }> {
  const products: ProductRow[] = [];
  const regions: RegionRow[] = [];
  let simd = '';
  for (const threads of threadCounts) {
    const runtime = await startRuntime({ threads });
    simd = runtime.simd;
    for (const size of SIZES) for (const form of FORMS) products.push(timeProduct(runtime, size, form));
    regions.push(timeRegion(runtime));
    runtime.dispose();
  }
  return { simd, products, regions };
}
