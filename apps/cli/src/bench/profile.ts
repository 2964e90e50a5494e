/** What a profile says: a table by kernel, and a trace that chrome://tracing and ui.perfetto.dev open. */
import type { LaunchTime } from './train-step.ts';

export interface KernelShare {
  readonly name: string;
  readonly launches: number;
  /** Of one step, in microseconds. */
  readonly microseconds: number;
}

/** Kernels by time, longest first. Products are one row a shape. */
export function sharesOf(launches: readonly LaunchTime[]): readonly KernelShare[] {
  const rows = new Map<string, { launches: number; microseconds: number }>();
  for (const { name, duration } of launches) {
    const row = rows.get(name) ?? { launches: 0, microseconds: 0 };
    row.launches += 1;
    row.microseconds += duration;
    rows.set(name, row);
  }
  return [...rows].map(([name, row]) => ({ name, ...row })).sort((a, b) => b.microseconds - a.microseconds);
}

/** The part of a step that matrix products take. */
export function shareOfProducts(shares: readonly KernelShare[]): number {
  const sum = (rows: readonly KernelShare[]): number =>
    rows.reduce((total, { microseconds }) => total + microseconds, 0);
  return sum(shares.filter(({ name }) => isProduct(name))) / sum(shares);
}

/** By the names that the devices give their launches: cuBLAS's and ours on CUDA, WGSL modules on WebGPU. */
const isProduct = (name: string): boolean => /^(gemm|matmul)/.test(name);

/** The trace event format of Chrome: complete events, one track. */
export function chromeTrace(launches: readonly LaunchTime[]): string {
  const events = launches.map(({ name, start, duration }) => ({
    ...{ name, ph: 'X', ts: start, dur: duration, pid: 1, tid: 1 },
    cat: isProduct(name) ? 'gemm' : 'kernel',
  }));
  return JSON.stringify({ traceEvents: events, displayTimeUnit: 'ms' });
}
