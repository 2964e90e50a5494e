import { PassThrough } from 'node:stream';
import { expect, test, vi } from 'vitest';
import { processInput } from '../src/input.ts';

function streams(isTTY: boolean) {
  const [stdin, stdout] = [0, 1].map(() => Object.assign(new PassThrough(), { isTTY }));
  let shown = '';
  stdout!.on('data', (data) => (shown += data));
  return { stdin: stdin!, stdout: stdout!, shown: () => shown };
}

test('a pipe gives its lines, those that came early too, and shows nothing', async () => {
  const { stdin, stdout, shown } = streams(false);
  const reader = processInput({ stdin, stdout }).open(() => {});
  expect(reader.isTerminal).toBe(false);
  stdin.write('one\ntwo\r\nthr');
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(await reader.next('> ')).toBe('one');
  stdin.end('ee');
  expect([await reader.next('> '), await reader.next('> '), await reader.next('> ')]).toEqual([
    'two',
    'three',
    undefined,
  ]);
  expect(shown()).toBe('');
  reader.close();
});

test('a terminal shows the prompt, hears Ctrl-C also between lines, and ends with Ctrl-D', async () => {
  const { stdin, stdout, shown } = streams(true);
  const interrupted = vi.fn();
  const reader = processInput({ stdin, stdout }).open(interrupted);
  expect(reader.isTerminal).toBe(true);
  const line = reader.next('> ');
  stdin.write('Hi\r');
  expect(await line).toBe('Hi');
  expect(shown()).toContain('> ');
  stdin.write('\x03');
  await vi.waitFor(() => expect(interrupted).toHaveBeenCalledTimes(1));
  const last = reader.next('> ');
  stdin.write('\x04');
  expect(await last).toBeUndefined();
});

test('closed, it waits no more', async () => {
  const reader = processInput(streams(false)).open(() => {});
  const line = reader.next('');
  reader.close();
  expect(await line).toBeUndefined();
});
