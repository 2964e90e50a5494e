/** The page's side: an object with the interface of the one that the worker serves. */
import { DisposedError } from '@qsparse/core';
import { CHANNEL, isOurs, type Port, type Reply, type Request, receiveError } from './messages.ts';

/** Which methods give a promise (`call`) and which an async iterable (`stream`): a worker cannot be asked for types. */
export type Kinds<Api> = {
  readonly [Name in keyof Api]: Api[Name] extends (...args: never) => AsyncIterable<unknown>
    ? 'stream'
    : 'call';
};

export interface Connection {
  /** Fails what is open with `reason`, and every later call. The worker itself goes on; end it with `terminate`. */
  disconnect(reason?: Error): void;
}

type Content<T> = T extends { readonly channel: string; readonly id: number }
  ? Omit<T, 'channel' | 'id'>
  : never;

/**
 * Connects to what `serve` serves at the other end. Methods do what those of the served object do: errors of ours arrive
 * with their code, a stream that is left early is ended in the worker too.
 */
export function connect<Api extends object>(port: Port, kinds: Kinds<Api>): Api & Connection {
  const waiting = new Map<number, (reply: Reply | Error) => void>();
  let nextId = 1;
  let ended: Error | undefined;
  const ask = (id: number, request: Content<Request>): Promise<Reply> =>
    new Promise((resolve, reject) => {
      if (ended) {
        reject(ended);
        return;
      }
      waiting.set(id, (reply) => {
        if (reply instanceof Error) reject(reply);
        else if (reply.kind === 'error') reject(receiveError(reply.error));
        else resolve(reply);
      });
      port.postMessage({ channel: CHANNEL, id, ...request });
    });
  const listener = ({ data }: { readonly data: unknown }): void => {
    if (!isOurs(data)) return;
    const settle = waiting.get(data.id);
    waiting.delete(data.id);
    settle?.(data as Reply);
  };
  port.addEventListener('message', listener);
  port.start?.();

  const call = async (method: string, args: readonly unknown[]): Promise<unknown> => {
    const reply = await ask(nextId++, { kind: 'call', method, args });
    return reply.kind === 'value' ? reply.value : undefined;
  };
  async function* stream(method: string, args: readonly unknown[]): AsyncGenerator<unknown, void, void> {
    const id = nextId++;
    await ask(id, { kind: 'call', method, args });
    let done = false;
    try {
      while (!done) {
        const reply = await ask(id, { kind: 'next' });
        if (reply.kind !== 'item' || reply.done) done = true;
        else yield reply.value;
      }
    } catch (error) {
      done = true;
      throw error;
    } finally {
      if (!done && !ended) await ask(id, { kind: 'return' });
    }
  }
  const methods = Object.entries<string>(kinds).map(([method, kind]) => [
    method,
    (...args: readonly unknown[]) => (kind === 'stream' ? stream(method, args) : call(method, args)),
  ]);
  return Object.assign(Object.fromEntries(methods) as Api, {
    disconnect(reason: Error = new DisposedError('worker', 'the connection was ended', 'connect again')) {
      ended ??= reason;
      port.removeEventListener('message', listener);
      for (const settle of waiting.values()) settle(ended);
      waiting.clear();
    },
  });
}

/** As `connect`, to a worker: one that fails to load or throws outside of a call fails what is open. */
export function connectWorker<Api extends object>(worker: Worker, kinds: Kinds<Api>): Api & Connection {
  const connection = connect<Api>(worker as unknown as Port, kinds);
  worker.addEventListener('error', (event) => {
    connection.disconnect(new Error(`[worker] ${event.message || 'the worker could not be loaded'}`));
  });
  return connection;
}
