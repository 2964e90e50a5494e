import { expect, test } from 'vitest';
import { createQueue } from '../../src/serve/queue.ts';

test('values come in order, before and after somebody waits', async () => {
  const queue = createQueue<number>();
  queue.push(1);
  queue.push(2);
  expect(await queue.next()).toEqual({ value: 1, done: false });
  const rest = (async () => {
    const values: number[] = [];
    for await (const value of queue) values.push(value);
    return values;
  })();
  await Promise.resolve();
  queue.push(3);
  await new Promise((resolve) => setTimeout(resolve, 1));
  queue.push(4);
  queue.end();
  queue.push(5);
  expect(await rest).toEqual([2, 3, 4]);
});

test('an error comes after what was there, once; the first one counts', async () => {
  const queue = createQueue<number>();
  queue.push(1);
  queue.fail(new Error('first'));
  queue.fail(new Error('second'));
  queue.end();
  expect(await queue.next()).toEqual({ value: 1, done: false });
  await expect(queue.next()).rejects.toThrow('first');
  expect(await queue.next()).toEqual({ value: undefined, done: true });
});
