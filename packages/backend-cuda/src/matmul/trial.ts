/** Which of several ways to compute the same thing is fastest on this device: tried out, by its own clock. */
import { type Driver, SUCCESS } from '../driver/driver.ts';

/** Microseconds of the device's clock that `work`, enqueued on its stream, takes. Waits for it. */
export type Clock = (work: () => void) => number;

export function createClock(driver: Driver, stream: number): { readonly clock: Clock; dispose(): void } {
  const start = driver.make('cuEventCreate', 0);
  const end = driver.make('cuEventCreate', 0);
  const milliseconds = new Float32Array(1);
  return {
    clock(work) {
      driver.call('cuEventRecord', start, stream);
      work();
      driver.call('cuEventRecord', end, stream);
      driver.call('cuEventSynchronize', end);
      driver.call('cuEventElapsedTime', milliseconds, start, end);
      return 1000 * milliseconds[0]!;
    },
    dispose() {
      driver.raw.cuEventDestroy(start);
      driver.raw.cuEventDestroy(end);
    },
  };
}

const MEASUREMENTS = 3;
/** A measurement repeats short work until it takes about this long, so that enqueuing does not show. */
const MEASURED_MICROSECONDS = 200;
const MOST_REPEATS = 20;
/** One run that is this much slower than the best so far rules a candidate out. */
const HOPELESS = 1.5;
/** A later candidate must be this much faster: noise does not change the choice. */
const CLEARLY_FASTER = 0.98;

export interface Fastest {
  readonly index: number;
  readonly microseconds: number;
}

/**
 * The fastest of `count` candidates; earlier ones win near ties. `run` enqueues one and returns a status; a candidate that
 * does not return 0 is left out, and undefined comes back when none is left.
 */
export function fastestOf(count: number, run: (index: number) => number, clock: Clock): Fastest | undefined {
  let best: Fastest | undefined;
  for (let index = 0; index < count; index++) {
    // The first run loads the kernel.
    if (run(index) !== SUCCESS) continue;
    const once = clock(() => run(index));
    if (best && once > HOPELESS * best.microseconds) continue;
    const repeats = Math.min(MOST_REPEATS, Math.max(1, Math.ceil(MEASURED_MICROSECONDS / Math.max(once, 1))));
    const times = Array.from(
      { length: MEASUREMENTS },
      () =>
        clock(() => {
          for (let i = 0; i < repeats; i++) run(index);
        }) / repeats,
    );
    const microseconds = times.sort((a, b) => a - b)[(MEASUREMENTS - 1) / 2]!;
    if (!best || microseconds < CLEARLY_FASTER * best.microseconds) best = { index, microseconds };
  }
  return best;
}
