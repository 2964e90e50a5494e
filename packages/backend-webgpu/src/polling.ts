/**
 * In Node, Dawn polls for finished work through setImmediate, back to back, and so takes a core from a software
 * adapter's kernels. While a software device is open its polls are spread, after a short while, over milliseconds.
 */
type Immediate = (callback: (...args: unknown[]) => void, ...args: unknown[]) => unknown;

/** What Node has and pages lack. */
const host = globalThis as unknown as { setImmediate: Immediate };

/** Milliseconds of polling at full speed after a wait begins: short work is answered at once. */
const SPIN = 0.5;

let devices = 0;
let waitBegan = 0;
let original: Immediate | undefined;

/** Call when a wait begins. */
export function waiting(): void {
  if (devices > 0) waitBegan = performance.now();
}

/** Returns what ends it. */
export function calmPolling(): () => void {
  if (devices++ === 0) {
    const immediate = host.setImmediate;
    original = immediate;
    const calm: Immediate = (callback, ...args) =>
      isNative(callback) && performance.now() - waitBegan > SPIN
        ? setTimeout(callback, 1, ...args)
        : immediate(callback, ...args);
    host.setImmediate = Object.assign(calm, immediate);
  }
  let ended = false;
  return () => {
    if (ended) return;
    ended = true;
    if (--devices === 0 && original) host.setImmediate = original;
  };
}

/** Dawn's own polls, of all that setImmediate is called with. */
function isNative(callback: unknown): boolean {
  return (
    typeof callback === 'function' &&
    callback.name === '' &&
    Function.prototype.toString.call(callback).includes('[native code]')
  );
}
