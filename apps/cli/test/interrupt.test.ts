import { afterEach, expect, test, vi } from 'vitest';
import { type Interrupt, listenForInterrupt } from '../src/interrupt.ts';

let interrupt: Interrupt | undefined;
afterEach(() => {
  interrupt?.dispose();
  vi.restoreAllMocks();
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('%s asks to stop, a second one stops with %d', (name, code) => {
  const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
  const told = vi.fn();
  interrupt = listenForInterrupt(told);
  expect(interrupt.exitCode).toBeUndefined();
  process.emit(name, name);
  expect(interrupt.signal.aborted).toBe(true);
  expect(interrupt.exitCode).toBe(code);
  expect(told).toHaveBeenCalledTimes(1);
  expect(exit).not.toHaveBeenCalled();
  process.emit(name, name);
  expect(exit).toHaveBeenCalledWith(code);
});

test('asked to stop from inside, once or twice', () => {
  const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
  interrupt = listenForInterrupt();
  interrupt.stop();
  interrupt.stop();
  expect(interrupt.exitCode).toBe(143);
  expect(exit).not.toHaveBeenCalled();
});

test('disposed, it listens no more', () => {
  const before = process.listenerCount('SIGINT');
  interrupt = listenForInterrupt();
  expect(process.listenerCount('SIGINT')).toBe(before + 1);
  interrupt.dispose();
  expect(process.listenerCount('SIGINT')).toBe(before);
});
