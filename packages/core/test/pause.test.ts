import { createPauses } from '@qsparse/core';
import { expect, test, vi } from 'vitest';

test('a busy loop that pauses lets timers run, and only now and then', async () => {
  const pause = createPauses();
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  let calls = 0;
  for (const end = performance.now() + 110; performance.now() < end; calls++) await pause();
  clearInterval(timer);
  expect(turns).toBeGreaterThanOrEqual(2);
  expect(turns).toBeLessThanOrEqual(6);
  expect(calls).toBeGreaterThan(100);
});

test('works where there is no setImmediate', async () => {
  vi.stubGlobal('setImmediate', undefined);
  try {
    const pause = createPauses();
    for (const end = performance.now() + 25; performance.now() < end; );
    await pause();
  } finally {
    vi.unstubAllGlobals();
  }
});
