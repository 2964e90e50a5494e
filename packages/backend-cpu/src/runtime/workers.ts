// Worker threads of Node or of the browser behind one small interface. Knows nothing of kernels.

import { nodeModule } from './node.ts';

/** What src/worker.js is given. */
export interface WorkerStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly thread: number;
  readonly stackTop: number;
}

export interface WorkerHandle {
  /** Resolves when the worker is inside the kernels' loop; rejects when it failed to get there. */
  readonly ready: Promise<void>;
  /** Ends the thread at once, whatever it does. */
  terminate(): void;
}

/** How many threads this machine runs at once, 1 where memory cannot be shared with workers. */
export function availableThreads(): number {
  const os = nodeModule('node:os');
  if (os) return os.availableParallelism();
  return globalThis.crossOriginIsolated ? (globalThis.navigator?.hardwareConcurrency ?? 1) : 1;
}

/** Whether the calling thread may sleep in an atomic wait: not so on the main thread of a browser. */
export function callerMaySleep(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1); // differs, so it returns at once where it is allowed
    return true;
  } catch {
    return false;
  }
}

/**
 * Starts src/worker.js. `lost` is called once if the thread ends or fails after it was ready and before terminate().
 * The worker does not keep a Node process alive.
 */
export function startWorker(start: WorkerStart, lost: (cause: Error) => void): WorkerHandle {
  const threads = nodeModule('node:worker_threads');
  return threads ? startNodeWorker(threads, start, lost) : startWebWorker(start, lost);
}

function startNodeWorker(
  threads: typeof import('node:worker_threads'),
  start: WorkerStart,
  lost: (cause: Error) => void,
): WorkerHandle {
  const entry = '../worker.js'; // not a literal below, or bundlers would take it for a browser worker
  const worker = new threads.Worker(new URL(entry, import.meta.url), {
    name: `qsparse-cpu-${start.thread}`,
    workerData: start,
    execArgv: [], // loaders and conditions of the parent mean nothing to a plain file
  });
  const life = lifeOf(lost);
  worker.once('message', () => {
    worker.unref(); // not before: nothing else keeps the process alive until the runtime has started
    life.ready();
  });
  worker.once('error', (error) => life.failed(error instanceof Error ? error : new Error(String(error))));
  worker.once('exit', (code) =>
    life.failed(new Error(`worker thread ${start.thread} exited with code ${code}`)),
  );
  return {
    ready: life.started,
    // Once only: each call of a Node worker's terminate() adds a listener until the thread has ended.
    terminate: () => {
      if (life.over()) void worker.terminate();
    },
  };
}

function startWebWorker(start: WorkerStart, lost: (cause: Error) => void): WorkerHandle {
  const worker = new Worker(new URL('../worker.js', import.meta.url), { type: 'module' });
  const life = lifeOf(lost);
  worker.onmessage = life.ready;
  worker.onerror = (event) =>
    life.failed(new Error(event.message || `worker ${start.thread} could not be loaded`));
  try {
    worker.postMessage(start);
  } catch (error) {
    worker.terminate(); // the page is not cross-origin isolated: memory cannot be shared
    life.failed(error as Error);
  }
  return {
    ready: life.started,
    terminate: () => {
      if (life.over()) worker.terminate();
    },
  };
}

/** Turns the events of a worker into one promise for its start and at most one call of `lost` afterwards. */
function lifeOf(lost: (cause: Error) => void) {
  let state: 'starting' | 'running' | 'over' = 'starting';
  let ended = false;
  let resolve!: () => void;
  let reject!: (cause: Error) => void;
  const started = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return {
    started,
    ready: () => {
      if (state === 'starting') state = 'running';
      resolve();
    },
    failed: (cause: Error) => {
      const before = state;
      state = 'over';
      if (before === 'starting') reject(cause);
      if (before === 'running') lost(cause);
    },
    /** True the first time. */
    over: () => {
      const first = !ended;
      state = 'over';
      ended = true;
      return first;
    },
  };
}
