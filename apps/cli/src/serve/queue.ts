/** Values from several producers, in the order in which they come, for one consumer. Bounded by what producers make. */

export interface Queue<T> extends AsyncIterableIterator<T, undefined> {
  push(value: T): void;
  /** What was pushed is read first; then the error is thrown. The first of several counts. */
  fail(error: unknown): void;
  end(): void;
}

export function createQueue<T>(): Queue<T> {
  const values: T[] = [];
  let taken = 0;
  let ended: { readonly error?: unknown } | undefined;
  let wake = (): void => {};
  const queue: Queue<T> = {
    push(value) {
      if (ended) return;
      values.push(value);
      wake();
    },
    fail(error) {
      ended ??= { error };
      wake();
    },
    end() {
      ended ??= {};
      wake();
    },
    async next() {
      while (taken === values.length && !ended) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (taken < values.length) {
        const value = values[taken++]!;
        if (taken === values.length) {
          values.length = 0;
          taken = 0;
        }
        return { value, done: false };
      }
      if (ended && 'error' in ended) {
        const { error } = ended;
        ended = {};
        throw error;
      }
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]: () => queue,
  };
  return queue;
}
