/** The worker's side: answers calls to an object whose methods return promises or async iterables. */
import { CHANNEL, isOurs, type Port, type Reply, type Request, sendError } from './messages.ts';

/** An object that can be served: every method is asynchronous, every argument and result can be cloned. */
export type Served<Api> = {
  readonly [Name in keyof Api]: Api[Name] extends (
    ...args: infer _
  ) => Promise<unknown> | AsyncIterable<unknown>
    ? Api[Name]
    : never;
};

/** Serves until the returned function is called, which ends open streams. */
export function serve<Api extends Served<Api>>(api: Api, port: Port): () => Promise<void> {
  const streams = new Map<number, AsyncIterator<unknown>>();
  const methods = api as Readonly<Record<string, unknown>>;
  const answer = (reply: Reply): void => port.postMessage(reply);

  const call = async (id: number, method: string, args: readonly unknown[]): Promise<void> => {
    const found = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (typeof found !== 'function')
      throw new TypeError(`[worker] the served object has no method ${method}`);
    const result: unknown = found.apply(api, args);
    if (isIterable(result)) {
      streams.set(id, result[Symbol.asyncIterator]());
      answer({ channel: CHANNEL, id, kind: 'stream' });
    } else answer({ channel: CHANNEL, id, kind: 'value', value: await result });
  };
  const advance = async (id: number, kind: 'next' | 'return'): Promise<void> => {
    const stream = streams.get(id);
    const { value, done } = (await stream?.[kind]?.()) ?? { value: undefined, done: true };
    if (done) streams.delete(id);
    answer({ channel: CHANNEL, id, kind: 'item', value, done: done === true });
  };
  const listener = ({ data }: { readonly data: unknown }): void => {
    if (!isOurs(data)) return;
    const request = data as Request;
    const { id } = request;
    const work = request.kind === 'call' ? call(id, request.method, request.args) : advance(id, request.kind);
    void work.catch((error: unknown) => {
      streams.delete(id);
      answer({ channel: CHANNEL, id, kind: 'error', error: sendError(error) });
    });
  };
  port.addEventListener('message', listener);
  port.start?.();
  return async () => {
    port.removeEventListener('message', listener);
    await Promise.allSettled([...streams.values()].map((stream) => stream.return?.()));
    streams.clear();
  };
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
