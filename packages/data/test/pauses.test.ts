import { describe, expect, it } from 'vitest';
import { createPauses } from '../src/pauses.ts';

function spin(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

describe('createPauses', () => {
  it('lets timers run once a turn is over, not before', async () => {
    const pause = createPauses(undefined);
    expect(await pause()).toBe(false);
    let ran = false;
    setTimeout(() => {
      ran = true;
    }, 0);
    spin(60);
    expect(await pause()).toBe(true);
    expect(ran).toBe(true);
    expect(await pause()).toBe(false);
  });

  it('throws the reason of an abort, before the work and after a pause', async () => {
    const reason = new Error('enough');
    expect(() => createPauses(AbortSignal.abort(reason))).toThrow(reason);
    const controller = new AbortController();
    const pause = createPauses(controller.signal);
    controller.abort(reason);
    spin(60);
    await expect(pause()).rejects.toBe(reason);
  });
});
