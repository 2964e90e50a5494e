import type { Worker } from 'node:worker_threads';
import { CpuRuntimeError, type Runtime, startRuntime } from '@qsparse/backend-cpu/runtime';
import { afterEach, describe, expect, test } from 'vitest';

const started: Runtime[] = [];
async function start(...options: Parameters<typeof startRuntime>): Promise<Runtime> {
  const runtime = await startRuntime(...options);
  started.push(runtime);
  return runtime;
}
afterEach(() => {
  for (const runtime of started.splice(0)) runtime.dispose();
});

/** Starts a runtime and gives its worker threads, to treat them badly. */
async function startWithWorkers(...options: Parameters<typeof startRuntime>): Promise<[Runtime, Worker[]]> {
  const workers: Worker[] = [];
  const collect = (worker: Worker) => void workers.push(worker);
  process.on('worker', collect);
  try {
    return [await start(...options), workers];
  } finally {
    process.off('worker', collect);
  }
}

const COUNT = 1003;
/** Fills COUNT floats at `to` by the fill kernel. */
function fill(runtime: Runtime, value: number, to = runtime.heapStart + 64, count = COUNT): Float32Array {
  runtime.growTo(runtime.heapStart + 64 + 4 * COUNT);
  runtime.writeArguments('fill', runtime.heapStart, { out: to, count, value });
  runtime.launch(runtime.kernels.fill, runtime.heapStart);
  return runtime.views.f32.slice(to >>> 2, (to >>> 2) + count);
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CpuRuntimeError) return error.code;
    throw error;
  }
  return 'no error';
}

/** A fill whose share of the last thread lies beyond the memory. */
function fillPastTheEnd(runtime: Runtime): void {
  const end = runtime.memory.buffer.byteLength;
  runtime.writeArguments('fill', runtime.heapStart, { out: end - 4 * 600, count: 1000, value: 1 });
  runtime.launch(runtime.kernels.fill, runtime.heapStart);
}

describe('launches', () => {
  test.each([1, 2, 4])('with %i threads reach every element', async (threads) => {
    const runtime = await start({ threads });
    expect(runtime.threads).toBe(threads);
    expect(runtime.notes).toEqual([]);
    expect(fill(runtime, 2.5).every((x) => x === 2.5)).toBe(true);
    // Also when the workers have long gone to sleep.
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(fill(runtime, -1).every((x) => x === -1)).toBe(true);
  });

  test('many in a row stay in step', async () => {
    const runtime = await start({ threads: 3 });
    for (let i = 0; i < 3000; i++) expect(fill(runtime, i)[COUNT - 1]).toBe(i);
  });

  test('replay runs a list in order, parallel and serial', async () => {
    const runtime = await start({ threads: 2 });
    const list = runtime.heapStart;
    const out = list + 4096;
    runtime.growTo(out + 4 * COUNT);
    const { fill: kernel } = runtime.kernels;
    let address = list + 1024;
    for (let i = 0; i < 20; i++) {
      runtime.views.i32.set([i % 3 === 0 ? -kernel : kernel, address], list / 4 + 2 * i);
      // Each fills a shorter beginning than the one before.
      address = runtime.writeArguments('fill', address, { out, count: COUNT - 50 * i, value: i });
    }
    runtime.replay(list, 20);
    const result = runtime.views.f32.subarray(out / 4, out / 4 + COUNT);
    expect([...result].every((x, at) => x === Math.min(19, Math.floor((COUNT - 1 - at) / 50)))).toBe(true);
    runtime.replay(list, 0);
  });

  test('the thread count is checked', async () => {
    for (const threads of [0, 65, 1.5, Number.NaN]) {
      await expect(startRuntime({ threads })).rejects.toMatchObject({ code: 'bad-option' });
    }
    await expect(startRuntime({ stallSeconds: 0 })).rejects.toMatchObject({ code: 'bad-option' });
  });
});

describe('failures', () => {
  test('a worker lost between launches: fewer threads, same results', async () => {
    const [runtime, workers] = await startWithWorkers({ threads: 4 });
    expect(workers).toHaveLength(3);
    await workers[1]!.terminate();
    expect(runtime.threads).toBe(2);
    expect(runtime.notes[0]).toMatch(/thread 2 was lost/);
    expect(fill(runtime, 7).every((x) => x === 7)).toBe(true);
    await workers[0]!.terminate();
    expect(runtime.threads).toBe(1);
    expect(fill(runtime, 8).every((x) => x === 8)).toBe(true);
  });

  test('a worker lost unnoticed: an error, not a hang', async () => {
    const [runtime, workers] = await startWithWorkers({ threads: 2, stallSeconds: 0.3 });
    void workers[0]!.terminate(); // its end is not seen before this test function gives the thread back
    const patience = performance.now() + 100;
    while (performance.now() < patience); // time to end, without the event loop
    expect(codeOf(() => fill(runtime, 1))).toBe('worker-stalled');
    expect(codeOf(() => fill(runtime, 1))).toBe('broken');
  });

  test('a kernel that crashes on a worker', async () => {
    const runtime = await start({ threads: 2 });
    fill(runtime, 1);
    expect(codeOf(() => fillPastTheEnd(runtime))).toBe('worker-trapped');
    expect(codeOf(() => fill(runtime, 1))).toBe('broken');
  });

  test('a kernel that crashes on the calling thread', async () => {
    const runtime = await start({ threads: 1 });
    fill(runtime, 1);
    expect(codeOf(() => fillPastTheEnd(runtime))).toBe('kernel-trapped');
    expect(codeOf(() => fill(runtime, 1))).toBe('broken');
  });

  test('nothing runs after dispose, and the workers are gone', async () => {
    const [runtime, workers] = await startWithWorkers({ threads: 3 });
    const exits = workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
    for (let i = 0; i < 12; i++) {
      runtime.dispose();
      expect(codeOf(() => fill(runtime, 1))).toBe('disposed');
    }
    // Each terminate() of a Node worker adds a listener: twelve would print a warning.
    for (const worker of workers) expect(worker.listenerCount('exit')).toBeLessThan(4);
    await Promise.all(exits);
    expect(codeOf(() => runtime.replay(runtime.heapStart, 1))).toBe('disposed');
    expect(runtime.notes).toEqual([]);
  });
});
