/** Objects as server-sent events, in OpenAI's manner: one `data:` line each, `[DONE]` at the end, an error object before it ends early. */
import type { ErrorBody } from './api-error.ts';

export interface EventStreamOptions {
  /** What a client is told of an error in the middle. */
  readonly describe: (error: unknown) => ErrorBody;
  /** The client went away, or has read nothing for `patience`. */
  readonly onGone: () => void;
  /** Milliseconds that a client may leave what was sent unread. Default 60 s. */
  readonly patience?: number;
}

export function eventStream(
  events: AsyncIterator<object>,
  { describe, onGone, patience = 60_000 }: EventStreamOptions,
): Response {
  const encoder = new TextEncoder();
  let isOpen = true;
  let unread: NodeJS.Timeout | undefined;
  const body = new ReadableStream<Uint8Array>(
    {
      // Called when the connection has room again: what a slow client leaves is not read from `events`.
      async pull(controller) {
        clearTimeout(unread);
        const send = (text: string): void => controller.enqueue(encoder.encode(`data: ${text}\n\n`));
        try {
          const { value, done } = await events.next();
          if (!isOpen) return;
          send(done ? '[DONE]' : JSON.stringify(value));
          if (done) controller.close();
        } catch (error) {
          if (!isOpen) return;
          send(JSON.stringify(describe(error)));
          controller.close();
        }
        // At the end too: what is left unread then keeps the connection.
        unread = setTimeout(onGone, patience);
        unread.unref();
      },
      cancel() {
        isOpen = false;
        clearTimeout(unread);
        onGone();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      // Proxies that gather answers would gather this one.
      'x-accel-buffering': 'no',
    },
  });
}
