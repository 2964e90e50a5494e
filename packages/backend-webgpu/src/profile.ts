/** Times of single launches by the GPU's own clock. */
import { waiting } from './polling.ts';
import type { Copy, Queue, Ready } from './queue.ts';

/** Launches of one query set: WebGPU's limit is 4096 times. */
const MOST = 2048;
const QUERY_RESOLVE_COPY_SRC = 0x200 | 0x04;
const MAP_READ_COPY_DST = 0x01 | 0x08;
const READ = 1;

export interface StepTime {
  /** Microseconds from the first step's start. */
  readonly start: number;
  readonly duration: number;
}

/** Copies have no times of their own: they begin where the step before ended. */
export async function profileWork(
  device: GPUDevice,
  steps: readonly (Ready | Copy)[],
  queue: Queue,
): Promise<readonly StepTime[]> {
  const ticks: (readonly [bigint, bigint] | undefined)[] = [];
  for (let first = 0; first < steps.length; first += MOST) {
    const some = steps.slice(first, first + MOST);
    const found = await withTimes(device, queue, some.length, (writes) => {
      for (const [i, step] of some.entries()) {
        if ('group' in step) queue.timed(step, writes(i));
        else queue.copy(step);
      }
    });
    ticks.push(...some.map((step, i) => ('group' in step ? found[i] : undefined)));
  }
  const origin = ticks.find((pair) => pair)?.[0] ?? 0n;
  let end = 0;
  return ticks.map((pair) => {
    if (!pair) return { start: end, duration: 0 };
    const start = Number(pair[0] - origin) / 1000;
    // The clock may be set back between two passes.
    const duration = Math.max(0, Number(pair[1] - pair[0]) / 1000);
    end = start + duration;
    return { start, duration };
  });
}

/** Milliseconds of the GPU's clock for what `work` enqueues. */
export async function timeWork(device: GPUDevice, queue: Queue, work: () => void): Promise<number> {
  queue.flush();
  const [first, last] = await withTimes(device, queue, 2, (writes) => {
    queue.mark(writes(0));
    work();
    queue.mark(writes(1));
  });
  return Math.max(0, Number(last![0] - first![1]) / 1e6);
}

/** Begin and end of `count` passes, which `encode` encodes with what `writes` gives for each. */
async function withTimes(
  device: GPUDevice,
  queue: Queue,
  count: number,
  encode: (writes: (i: number) => GPUComputePassTimestampWrites) => void,
): Promise<readonly (readonly [bigint, bigint])[]> {
  const querySet = device.createQuerySet({ type: 'timestamp', count: 2 * count });
  const size = 16 * count;
  const resolved = device.createBuffer({ label: 'times', size, usage: QUERY_RESOLVE_COPY_SRC });
  const readable = device.createBuffer({ label: 'times', size, usage: MAP_READ_COPY_DST });
  try {
    encode((i) => ({ querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 }));
    queue.resolve(querySet, 2 * count, resolved);
    queue.copy({ from: resolved, fromOffset: 0, to: readable, toOffset: 0, bytes: size });
    queue.flush();
    waiting();
    await readable.mapAsync(READ);
    const ticks = new BigUint64Array(readable.getMappedRange());
    return Array.from({ length: count }, (_, i) => [ticks[2 * i]!, ticks[2 * i + 1]!] as const);
  } finally {
    for (const one of [querySet, resolved, readable]) one.destroy();
  }
}
