import type { Device } from '@qsparse/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { watchSteps } from '../src/slow-steps.ts';

const device = (queued?: boolean) => ({ caps: { queued } }) as Device;

describe('watchSteps', () => {
  afterEach(() => vi.restoreAllMocks());

  /** Steps that take these milliseconds by the clock; what was slow after each. */
  function after(milliseconds: readonly number[], queued?: boolean): boolean[] {
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    const pace = watchSteps(device(queued));
    return milliseconds.map((time) => {
      expect(pace.watch(() => (now += time))).toBe(now);
      return pace.areSlow;
    });
  }

  it('calls steps slow after three in a row', () => {
    expect(after([300, 300, 300, 300])).toEqual([false, false, true, true]);
  });

  it('begins to count again with a fast one', () => {
    expect(after([300, 300, 10, 300, 300, 300])).toEqual([false, false, false, false, false, true]);
  });

  it('takes no time of a device that works while the host goes on', () => {
    expect(after([300, 300, 300, 300], true)).toEqual([false, false, false, false]);
  });
});
