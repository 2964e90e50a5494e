/**
 * Copies between host arrays and the device through page-locked memory, so that neither direction stops the stream or the
 * event loop. Ordered with the kernels of the stream.
 */
import { DisposedError, OutOfMemoryError } from '@qsparse/core';
import koffi from 'koffi';
import { type Driver, NOT_READY, OUT_OF_MEMORY, SUCCESS } from './driver/driver.ts';

export interface Staging {
  /** Copies `bytes` out at once and to the device in order; waits only where `HALF` bytes are still under way. */
  write(to: number, bytes: Uint8Array): void;
  /** Enqueues the copy now; resolves to its bytes, in memory of their own. */
  read(from: number, bytes: number): Promise<ArrayBuffer>;
  /** Resolves when the work queued so far is done. */
  settled(): Promise<void>;
  dispose(): void;
}

interface Pinned {
  readonly address: number;
  readonly bytes: Uint8Array;
}

const HALF = 8 * 2 ** 20;
/** Page-locked buffers up to this size are kept for the next read. */
const KEPT = 16 * 2 ** 20;
/** All of them together: page-locked memory is taken from the whole machine. */
const MOST_KEPT = 64 * 2 ** 20;
const SMALLEST = 4096;
const DISABLE_TIMING = 2;
/** How long a wait asks again at every turn of the event loop before it sleeps a millisecond in between. */
const EAGER_MILLISECONDS = 20;

export function createStaging(driver: Driver, stream: number): Staging {
  const all = new Set<Pinned>();
  let disposed = false;
  const pin = (size: number): Pinned => {
    const out = new BigUint64Array(1);
    const status = driver.raw.cuMemHostAlloc(out, size, 0);
    if (status === OUT_OF_MEMORY) {
      const what = `the host has no room for ${size} bytes of page-locked memory, through which copies go`;
      throw new OutOfMemoryError('cuda', what, 'end other programs, or raise the limit of the container');
    }
    driver.check('cuMemHostAlloc', status, `${size} bytes`);
    const address = Number(out[0]);
    const pinned = { address, bytes: new Uint8Array(koffi.view(BigInt(address), size)) };
    all.add(pinned);
    return pinned;
  };
  const unpin = (pinned: Pinned): void => {
    all.delete(pinned);
    driver.call('cuMemFreeHost', pinned.address);
  };
  const events = new Set<number>();
  const event = (): number => {
    const made = driver.make('cuEventCreate', DISABLE_TIMING);
    events.add(made);
    return made;
  };

  // Two halves: while the device copies from one, the host fills the other.
  const halves: { pinned: Pinned; done: number }[] = [];
  let current = 0;
  let used = 0;
  const room = (): number => {
    while (halves.length < 2) halves.push({ pinned: pin(HALF), done: event() });
    if (used === HALF) {
      driver.call('cuEventRecord', halves[current]!.done, stream);
      current = 1 - current;
      used = 0;
      driver.call('cuEventSynchronize', halves[current]!.done);
    }
    return HALF - used;
  };

  const kept = new Map<number, Pinned[]>();
  let keptBytes = 0;
  const take = (size: number): Pinned => {
    const found = kept.get(size)?.pop();
    if (found) keptBytes -= size;
    return found ?? pin(size);
  };
  const give = (pinned: Pinned): void => {
    const size = pinned.bytes.length;
    if (size > KEPT || keptBytes + size > MOST_KEPT) {
      unpin(pinned);
      return;
    }
    keptBytes += size;
    const others = kept.get(size);
    if (others) others.push(pinned);
    else kept.set(size, [pinned]);
  };
  const idle: number[] = [];
  const isDisposed = (): boolean => disposed;
  const settled = async (): Promise<void> => {
    const done = idle.pop() ?? event();
    try {
      driver.call('cuEventRecord', done, stream);
      await finished(driver, done, isDisposed);
    } finally {
      idle.push(done);
    }
  };

  return {
    write(to, bytes) {
      for (let start = 0; start < bytes.length; ) {
        const count = Math.min(room(), bytes.length - start);
        const { pinned } = halves[current]!;
        pinned.bytes.set(bytes.subarray(start, start + count), used);
        driver.call('cuMemcpyHtoDAsync', to + start, pinned.address + used, count, stream);
        used += count;
        start += count;
      }
    },
    async read(from, bytes) {
      const pinned = take(Math.max(SMALLEST, 2 ** Math.ceil(Math.log2(Math.max(bytes, 1)))));
      // Where this fails the buffer stays out until the end: the copy may still be under way.
      if (bytes > 0) driver.call('cuMemcpyDtoHAsync', pinned.address, from, bytes, stream);
      await settled();
      const copy = pinned.bytes.slice(0, bytes).buffer;
      give(pinned);
      return copy;
    },
    settled,
    dispose() {
      disposed = true;
      for (const made of events) driver.raw.cuEventDestroy(made);
      // Unchecked, like all of this: after a failed kernel every call fails, and the first error must be the one seen.
      for (const { address } of all) driver.raw.cuMemFreeHost(address);
      all.clear();
    },
  };
}

/** Waits for an event without holding the event loop. What waits when the device goes must not touch its memory again. */
async function finished(driver: Driver, event: number, isDisposed: () => boolean): Promise<void> {
  const start = performance.now();
  for (;;) {
    if (isDisposed()) {
      const what = 'this device was disposed while something waited for its work';
      throw new DisposedError('cuda', what, 'await reads before the device is disposed');
    }
    const status = driver.raw.cuEventQuery(event);
    if (status === SUCCESS) return;
    if (status !== NOT_READY) driver.check('cuEventQuery', status);
    const eager = performance.now() - start < EAGER_MILLISECONDS;
    await new Promise<void>((resolve) => {
      if (eager) setImmediate(resolve);
      else setTimeout(resolve, 1);
    });
  }
}
