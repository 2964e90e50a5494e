/**
 * Whether captured steps keep the event loop waiting for so long, one after the other, that the same work is better done
 * half a block at a time: the same bits, and an abort or another request is heard.
 */
import type { Device } from '@qsparse/core';

/** A step that keeps the event loop waiting for longer, in milliseconds, … */
const SLOW = 200;
/** … so many times in a row, is slow. */
const SLOW_IN_A_ROW = 3;

export interface SlowSteps {
  readonly areSlow: boolean;
  /** What `step` returns. Its time counts where the device works while the host waits. */
  watch<T>(step: () => T): T;
}

export function watchSteps({ caps }: Device): SlowSteps {
  let slow = 0;
  return {
    get areSlow() {
      return slow >= SLOW_IN_A_ROW;
    },
    watch(step) {
      const before = performance.now();
      const result = step();
      if (caps.queued !== true) slow = performance.now() - before > SLOW ? slow + 1 : 0;
      return result;
    },
  };
}
