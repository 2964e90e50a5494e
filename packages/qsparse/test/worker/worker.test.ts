/** Both ends over a MessageChannel, as a page and its worker have one. */
import { DisposedError, QSparseError, ValueError } from '@qsparse/core';
import { type Connection, connect, type Port, serve } from 'qsparse/worker';
import { afterEach, expect, test } from 'vitest';

const log: string[] = [];
const api = {
  async add(a: number, b: number): Promise<number> {
    return a + b;
  },
  async fail(kind: 'ours' | 'other'): Promise<never> {
    if (kind === 'ours') throw new ValueError('count', 'n must be positive, got -1', 'give another n');
    throw new TypeError('no');
  },
  async forever(): Promise<void> {
    await new Promise(() => {});
  },
  async *count(to: number): AsyncGenerator<number, void, void> {
    try {
      for (let i = 1; i <= to; i++) {
        log.push(`made ${i}`);
        yield i;
      }
      if (to > 5) throw new ValueError('count', 'that was too far');
    } finally {
      log.push('ended');
    }
  },
};
type Api = typeof api;
const KINDS = { add: 'call', fail: 'call', forever: 'call', count: 'stream' } as const;

const ends: (() => unknown)[] = [];
function pair(): Api & Connection {
  const { port1, port2 } = new MessageChannel();
  const stop = serve(api, port1 as unknown as Port);
  const remote = connect<Api>(port2 as unknown as Port, KINDS);
  ends.push(
    stop,
    () => port1.close(),
    () => port2.close(),
  );
  return remote;
}
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  log.length = 0;
});

test('calls and streams are those of the object', async () => {
  const remote = pair();
  expect(await Promise.all([remote.add(1, 2), remote.add(3, 4)])).toEqual([3, 7]);
  const seen: number[] = [];
  for await (const i of remote.count(3)) seen.push(i);
  expect(seen).toEqual([1, 2, 3]);
});

test('a stream is pulled, and one that is left early ends in the worker', async () => {
  const remote = pair();
  for await (const i of remote.count(5)) if (i === 2) break;
  expect(log).toEqual(['made 1', 'made 2', 'ended']);
  const two = [remote.count(2), remote.count(2)].map(async (stream) => {
    const all: number[] = [];
    for await (const i of stream) all.push(i);
    return all;
  });
  expect(await Promise.all(two)).toEqual([
    [1, 2],
    [1, 2],
  ]);
});

test('errors arrive as what they were, of calls and of streams', async () => {
  const remote = pair();
  const ours = await remote.fail('ours').catch((error: unknown) => error);
  expect(ours).toBeInstanceOf(QSparseError);
  expect(ours).toMatchObject({ name: 'ValueError', code: 'value', where: 'count', hint: 'give another n' });
  expect(String(ours)).toBe('ValueError: [count] n must be positive, got -1; give another n');
  await expect(remote.fail('other')).rejects.toThrow('no');
  const all = async () => {
    for await (const _ of remote.count(6));
  };
  await expect(all()).rejects.toThrow('that was too far');
  const unknown = connect<{ nothing(): Promise<void> }>(
    { postMessage: () => {}, addEventListener: () => {}, removeEventListener: () => {} },
    { nothing: 'call' },
  );
  const pending = unknown.nothing();
  unknown.disconnect();
  await expect(pending).rejects.toBeInstanceOf(DisposedError);
});

test('a method that is not served is refused, also one that every object has', async () => {
  const { port1, port2 } = new MessageChannel();
  ends.push(
    serve(api, port1 as unknown as Port),
    () => port1.close(),
    () => port2.close(),
  );
  const remote = connect<{ toString(): Promise<string>; none(): Promise<void> }>(port2 as unknown as Port, {
    toString: 'call',
    none: 'call',
  });
  await expect(remote.none()).rejects.toThrow('the served object has no method none');
  await expect(remote.toString()).rejects.toThrow('no method toString');
});

test('after the end open calls fail, and later ones too', async () => {
  const remote = pair();
  const open = remote.forever();
  remote.disconnect(new Error('the page is closing'));
  await expect(open).rejects.toThrow('the page is closing');
  await expect(remote.add(1, 1)).rejects.toThrow('the page is closing');
});
