/** Lets timers, signals and messages in, at most every few milliseconds, so that a loop of short steps stays stoppable. */
const EVERY_MILLISECONDS = 20;
let last = 0;

export async function pause(): Promise<void> {
  const now = performance.now();
  if (now - last < EVERY_MILLISECONDS) return;
  last = now;
  await new Promise<void>((resolve) => {
    const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => void };
    if (setImmediate) setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
