/** The texts of one request through the engine: all are handed in at once, what they add comes in the order it is made. */
import { setMaxListeners } from 'node:events';
import type { EngineRequest, TextStep } from '@qsparse/models';
import { ApiError } from './api-error.ts';
import { createQueue } from './queue.ts';
import type { ServedModel } from './served-model.ts';

export interface TextJob {
  /** Of the choice that it is for. */
  readonly index: number;
  readonly ids: readonly number[];
  readonly options: EngineRequest;
}

export interface TextEvent {
  readonly index: number;
  readonly step: TextStep;
}

export interface Exchange {
  /** Aborted where nobody waits for the answer any more, the server ends at once, or by `abort`. */
  readonly signal: AbortSignal;
  abort(): void;
  /** Whether the server ends at once, which the client is told. */
  readonly isStopped: () => boolean;
  /** Ends the connection of a client that does not read. */
  disconnect(): void;
  /** For the metrics: each token that was made, the first one too. */
  onToken(): void;
}

/**
 * Starts the texts; resolves when the first of them has said something, so that what goes wrong before that can have a
 * status of its own. Throws QueueFullError, and what the engine throws.
 */
export async function runTexts(
  { engine }: ServedModel,
  jobs: readonly TextJob[],
  exchange: Exchange,
): Promise<AsyncIterable<TextEvent>> {
  const queue = createQueue<TextEvent>();
  const { signal } = exchange;
  setMaxListeners(0, signal); // one for each text is no leak
  const fail = (error: unknown): void => {
    queue.fail(error);
    exchange.abort();
  };
  let running = jobs.length;
  const pump = async (index: number, steps: AsyncIterable<TextStep>): Promise<void> => {
    for await (const step of steps) {
      if (step.token) exchange.onToken();
      if (step.end === 'aborted' && exchange.isStopped()) throw stopping();
      queue.push({ index, step });
    }
    if (--running === 0) queue.end();
  };
  if (jobs.length === 0) queue.end();
  try {
    for (const { index, ids, options } of jobs)
      pump(index, engine.submit(ids, { ...options, signal })).catch(fail);
  } catch (error) {
    exchange.abort();
    throw error;
  }
  const first = await queue.next();
  return {
    async *[Symbol.asyncIterator]() {
      if (first.done) return;
      yield first.value;
      yield* queue;
    },
  };
}

export function stopping(): ApiError {
  return new ApiError(503, 'the server is stopping', {
    code: 'server_stopping',
    headers: { 'retry-after': '5', connection: 'close' },
  });
}
