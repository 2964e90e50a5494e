/** Times of launches on a driver that only counts: order, units, and that events go whatever happens. */
import { expect, test } from 'vitest';
import type { Driver } from '../src/driver/driver.ts';
import { profileLaunches, Timers } from '../src/profile.ts';

/** A clock that goes on by what each launch takes. */
function clock() {
  let now = 0;
  const recorded = new Map<number, number>();
  const destroyed: number[] = [];
  let made = 0;
  const call = (name: string, ...args: unknown[]): void => {
    if (name === 'cuEventRecord') recorded.set(args[0] as number, now);
    else if (name === 'cuEventElapsedTime')
      (args[0] as Float32Array)[0] = recorded.get(args[2] as number)! - recorded.get(args[1] as number)!;
  };
  const raw = { cuEventDestroy: (event: number) => destroyed.push(event) };
  const driver = { call, raw, make: () => ++made } as unknown as Driver;
  const pass = (milliseconds: number): void => {
    now += milliseconds;
  };
  return { driver, destroyed, pass };
}

test('each launch from its start, in microseconds', async () => {
  const { driver, destroyed, pass } = clock();
  const timers = new Timers(driver);
  const launches = [1, 0, 0.25].map((time, i) => ({ name: `k${i}`, work: () => pass(time) }));
  expect(await profileLaunches(driver, 5, timers, launches, async () => {})).toEqual([
    { name: 'k0', start: 0, duration: 1000 },
    { name: 'k1', start: 1000, duration: 0 },
    { name: 'k2', start: 1000, duration: 250 },
  ]);
  expect(destroyed).toEqual([1, 2, 3, 4]);
  expect(await profileLaunches(driver, 5, timers, [], async () => {})).toEqual([]);
});

test('events go once, after an error and with the device', async () => {
  const { driver, destroyed } = clock();
  const timers = new Timers(driver);
  const failing = [{ name: 'k', work: () => {} }];
  const stop = async (): Promise<void> => {
    timers.dispose();
    throw new RangeError('disposed meanwhile');
  };
  await expect(profileLaunches(driver, 5, timers, failing, stop)).rejects.toThrow('disposed meanwhile');
  expect(destroyed).toEqual([1, 2]);
});
