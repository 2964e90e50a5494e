import { expect, test } from 'vitest';
import { ApiError } from '../../src/serve/api-error.ts';
import { eventStream } from '../../src/serve/event-stream.ts';

const describe = (error: unknown) => new ApiError(500, String(error)).body;
async function* numbers(count: number, failure?: Error): AsyncGenerator<object> {
  for (let i = 0; i < count; i++) yield { i, text: 'a\nb' };
  if (failure) throw failure;
}

test('one line for each object, and the end', async () => {
  const response = eventStream(numbers(2), { describe, onGone() {} });
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  expect(await response.text()).toBe(
    'data: {"i":0,"text":"a\\nb"}\n\ndata: {"i":1,"text":"a\\nb"}\n\ndata: [DONE]\n\n',
  );
});

test('an error is the last event, without the end', async () => {
  const text = await eventStream(numbers(1, new Error('broken')), { describe, onGone() {} }).text();
  expect(text.endsWith('"param":null,"code":null}}\n\n')).toBe(true);
  expect(text).toContain('{"error":{"message":"Error: broken","type":"server_error"');
});

test('nothing is made before it is read; a client that reads no more is given up', async () => {
  let made = 0;
  async function* counted(): AsyncGenerator<object> {
    for (;;) yield { made: ++made };
  }
  let gone = 0;
  const onGone = () => {
    gone++;
  };
  const reader = eventStream(counted(), { describe, onGone, patience: 20 }).body!.getReader();
  await reader.read();
  await reader.read();
  expect(made).toBeLessThanOrEqual(3);
  expect(gone).toBe(0);
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(gone).toBe(1);
});

test('a client that goes away while it waits', async () => {
  let gone = 0;
  let finish = () => {};
  async function* waiting(): AsyncGenerator<object> {
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    yield {};
  }
  const onGone = () => {
    gone++;
  };
  const reader = eventStream(waiting(), { describe, onGone }).body!.getReader();
  const read = reader.read();
  await reader.cancel();
  expect(gone).toBe(1);
  finish();
  expect(await read).toEqual({ done: true, value: undefined });
});
