/**
 * Turns of the event loop inside long loops, so that timers, signals and messages are heard: on a device that answers a
 * read at once, awaiting it gives no turn.
 */
const EVERY_MILLISECONDS = 20;

/** What every JavaScript host has, and one function that only some have. */
interface Host {
  readonly performance: { now(): number };
  setTimeout(callback: () => void, milliseconds: number): unknown;
  readonly setImmediate?: (callback: () => void) => unknown;
}

/** The returned function gives the event loop a turn once 20 ms have passed since the last one. Call it often. */
export function createPauses(): () => Promise<void> {
  const host = globalThis as unknown as Host;
  let last = host.performance.now();
  return async () => {
    if (host.performance.now() - last < EVERY_MILLISECONDS) return;
    await new Promise<void>((resolve) => {
      if (host.setImmediate) host.setImmediate(resolve);
      else host.setTimeout(resolve, 0);
    });
    last = host.performance.now();
  };
}
