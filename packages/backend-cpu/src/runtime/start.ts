// The runtime under the CPU device: compiled kernels, one shared memory, a pool of threads, and the call that runs a
// kernel on all of them. It knows no tensors and allocates nothing above `heapStart`.

import { kernelArguments } from '../generated/kernel-arguments.ts';
import { CpuRuntimeError, type RuntimeErrorCode } from './errors.ts';
import { type KernelArguments, type KernelName, type MemoryViews, SharedMemory } from './memory.ts';
import { compileKernels, type PoolExports, type Simd } from './module.ts';
import { availableThreads, callerMaySleep, startWorker, type WorkerHandle } from './workers.ts';

export interface RuntimeOptions {
  /** 1 to 64. Default: as many as the machine runs at once (1 in a page that is not cross-origin isolated). */
  readonly threads?: number | undefined;
  /** Which build of the kernels. Default `auto`: relaxed where it runs. */
  readonly simd?: Simd | 'auto' | undefined;
  /** A launch fails when another thread has not answered for this long, in seconds. Default 30. */
  readonly stallSeconds?: number | undefined;
}

export interface Runtime {
  readonly memory: WebAssembly.Memory;
  /** Take these again after growTo: views do not grow. */
  readonly views: MemoryViews;
  /** The first address (a multiple of 64) that belongs to the caller; all above is free. */
  readonly heapStart: number;
  readonly simd: Simd;
  /** Threads that take part in a launch; falls when a worker is lost between launches. Results do not depend on it. */
  readonly threads: number;
  /** Why there are fewer threads than wanted, in plain sentences; empty when all is well. */
  readonly notes: readonly string[];
  /** What `launch` and `replay` take for a kernel; its negative runs the kernel on the calling thread alone. */
  readonly kernels: Readonly<Record<KernelName, number>>;
  /** Makes all addresses below `bytes` usable. Throws CpuRuntimeError `out-of-memory`. */
  growTo(bytes: number): void;
  /** Writes a kernel's argument block at `address` (a multiple of 4); returns the address behind it. */
  writeArguments<N extends KernelName>(name: N, address: number, values: KernelArguments<N>): number;
  /** Runs one kernel and returns when it has finished. Throws CpuRuntimeError. */
  launch(kernel: number, argumentsAddress: number): void;
  /** Runs `count` launches in order, from pairs of words (kernel, argumentsAddress) at `listAddress`. */
  replay(listAddress: number, count: number): void;
  /** Ends the workers. Every later launch throws. */
  dispose(): void;
}

const MOST_THREADS = 64;
const SPIN_SECONDS = 20e-6; // longer than the gap between two launches, shorter than a wake-up
const START_SECONDS = 30;

/** Compiles the kernels and starts the worker threads. Throws CpuRuntimeError `bad-option`, `no-simd`, `worker-start`. */
export async function startRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  const { threads: wanted, simd: wantedSimd = 'auto', stallSeconds = 30 } = options;
  checkOptions(wanted, stallSeconds);
  const { module, simd } = await compileKernels(wantedSimd);
  const shared = new SharedMemory();
  const { memory } = shared;
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  const pool = instance.exports as unknown as PoolExports;

  const asked = Math.min(wanted ?? availableThreads(), MOST_THREADS);
  const heapStart = pool.reserved_end(asked) >>> 0;
  shared.growTo(heapStart);
  pool.configure(1, calibrateSpin(pool), callerMaySleep() ? 1 : 0, Math.ceil(stallSeconds * 10));

  const notes: string[] = [];
  let threads = 1;
  let disposed = false;
  const setThreads = (count: number, note: string): void => {
    notes.push(note);
    threads = count;
    pool.set_threads(count);
  };
  const workers = Array.from({ length: asked - 1 }, (_, i) => {
    const thread = i + 1;
    return startWorker({ module, memory, thread, stackTop: pool.stack_top(thread, asked) }, (cause) => {
      if (!disposed && thread < threads) setThreads(thread, `thread ${thread} was lost (${cause.message})`);
    });
  });
  const dispose = (): void => {
    disposed = true;
    pool.shut_down();
    for (const worker of workers) worker.terminate();
  };

  const failure = await firstFailure(workers);
  if (failure && wanted !== undefined) {
    dispose();
    throw new CpuRuntimeError(
      'worker-start',
      `[startRuntime] threads: ${wanted} needs ${wanted - 1} worker threads, number ${failure.thread} did not start ` +
        `(${failure.cause.message}); leave threads out to run with those that do`,
      { cause: failure.cause },
    );
  }
  threads = failure ? failure.thread : asked;
  if (failure) notes.push(`thread ${failure.thread} did not start (${failure.cause.message})`);
  for (const worker of workers.slice(threads - 1)) worker.terminate();
  pool.set_threads(threads);

  /** Runs kernels; after a failure nothing can be launched any more, so the workers end. */
  const guarded = (run: () => number): void => {
    let status: number;
    let trap: unknown;
    try {
      status = run();
    } catch (error) {
      status = pool.failure_status() || KERNEL_TRAPPED;
      trap = error;
    }
    if (status === 0) return;
    for (const worker of workers) worker.terminate();
    throw launchError(disposed ? DISPOSED : status, trap);
  };
  return {
    memory,
    heapStart,
    simd,
    notes,
    kernels: kernelIndices(instance.exports),
    get views() {
      return shared.views;
    },
    get threads() {
      return threads;
    },
    growTo: (bytes) => shared.growTo(bytes),
    writeArguments: (name, address, values) => shared.writeArguments(name, address, values),
    launch: (kernel, address) => guarded(() => pool.launch(kernel, address)),
    replay: (address, count) => guarded(() => pool.replay(address, count)),
    dispose,
  };
}

function checkOptions(threads: number | undefined, stallSeconds: number): void {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS)) {
    throw new CpuRuntimeError(
      'bad-option',
      `[startRuntime] threads must be an integer from 1 to ${MOST_THREADS}, got ${threads}`,
    );
  }
  if (!(stallSeconds > 0 && stallSeconds <= 1e6)) {
    throw new CpuRuntimeError(
      'bad-option',
      `[startRuntime] stallSeconds must be above 0, got ${stallSeconds}`,
    );
  }
}

/** How many turns of the pool's spin loop take SPIN_SECONDS. */
function calibrateSpin(pool: PoolExports): number {
  const turns = 100_000;
  pool.spin(turns);
  const start = performance.now();
  pool.spin(turns);
  const seconds = Math.max(performance.now() - start, 1e-3) / 1e3;
  return Math.max(100, Math.round((turns * SPIN_SECONDS) / seconds));
}

/** The lowest thread that did not start, undefined when all did. */
async function firstFailure(
  workers: readonly WorkerHandle[],
): Promise<{ readonly thread: number; readonly cause: Error } | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    const expire = () => reject(new Error(`not ready after ${START_SECONDS} s`));
    if (workers.length > 0) timer = setTimeout(expire, START_SECONDS * 1e3);
  });
  const outcomes = await Promise.allSettled(workers.map((worker) => Promise.race([worker.ready, timeout])));
  clearTimeout(timer);
  const index = outcomes.findIndex(({ status }) => status === 'rejected');
  const outcome = outcomes[index];
  return outcome?.status === 'rejected' ? { thread: index + 1, cause: outcome.reason as Error } : undefined;
}

function kernelIndices(exports: WebAssembly.Exports): Record<KernelName, number> {
  const names = Object.keys(kernelArguments) as KernelName[];
  return Object.fromEntries(names.map((name) => [name, (exports[name] as () => number)()])) as Record<
    KernelName,
    number
  >;
}

// 1 to 3 are `enum status` of pool.c.
const KERNEL_TRAPPED = 4;
const DISPOSED = 5;
const LAUNCH_ERRORS: Readonly<Record<number, readonly [RuntimeErrorCode, string]>> = {
  1: ['worker-trapped', 'a kernel crashed on a worker thread: a bad address or a fault of the kernel'],
  2: [
    'worker-stalled',
    'a worker thread stopped answering: it was ended from outside, or the machine is far too busy (see stallSeconds)',
  ],
  3: ['broken', 'an earlier launch failed'],
  [KERNEL_TRAPPED]: ['kernel-trapped', 'a kernel crashed: a bad address or a fault of the kernel'],
  [DISPOSED]: ['disposed', 'the runtime is disposed'],
};

function launchError(status: number, trap: unknown): CpuRuntimeError {
  const [code, message] = LAUNCH_ERRORS[status]!;
  const detail = trap instanceof Error ? ` (${trap.message})` : '';
  return new CpuRuntimeError(code, `[launch] ${message}${detail}; start another runtime`, { cause: trap });
}
