import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli.ts';
import { saveChatModel } from '../chat/chat-model.ts';
import { capturedOutput, cli, temporaryFolder } from '../run-cli.ts';
import { within } from '../serve/fake-model.ts';

const folder = temporaryFolder();
let path = '';
beforeAll(async () => {
  path = await saveChatModel(join(folder.path, 'tiny-chat'));
});
afterAll(() => folder.remove());

interface Running {
  readonly url: string;
  readonly err: () => string;
  readonly code: Promise<number>;
}

async function serve(...argv: readonly string[]): Promise<Running> {
  const output = capturedOutput();
  const code = runCli(['serve', path, '--port', '0', '--device', 'reference', '--json', ...argv], output);
  let isEnded = false;
  const end = () => {
    isEnded = true;
  };
  code.then(end, end);
  await within(() => output.out.includes('\n') || isEnded);
  const { event, url } = JSON.parse(output.out) as { event: string; url: string };
  expect(event).toBe('listening');
  return { url, err: () => output.err, code };
}
const json = { 'content-type': 'application/json' };

describe.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s', (signal, exitCode) => {
  test(`finishes what is being written and ends with ${exitCode}`, async () => {
    const listeners = process.listenerCount(signal);
    const { url, code, err } = await serve('--slots', '2', '--context-length', '64', '--name', 'mine');
    expect(await (await fetch(`${url}/v1/models`)).json()).toMatchObject({
      data: [{ id: 'mine', context_length: 64 }],
    });
    const body = { messages: [{ role: 'user', content: 'Hello' }], stream: true, ignore_eos: true };
    const running = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: json,
      body: JSON.stringify(body),
    });
    process.emit(signal, signal);
    const text = await running.text();
    expect(text).toContain('"finish_reason":"length"');
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(await code).toBe(exitCode);
    expect(err()).toBe('stopping when running answers have ended; once more ends them now\n');
    await expect(fetch(url)).rejects.toThrow();
    expect(process.listenerCount(signal)).toBe(listeners);
  });
});

test('the folder is the name, its template the one of chats; the key may come from the environment', async () => {
  process.env.QSPARSE_API_KEY = 'sesame';
  try {
    const { url, code } = await serve('--cors', 'http://localhost:5173', '--max-tokens', '3');
    const headers = { ...json, authorization: 'Bearer sesame', origin: 'http://localhost:5173' };
    expect((await fetch(`${url}/v1/models`)).status).toBe(401);
    const body = JSON.stringify({
      model: 'tiny-chat',
      messages: [{ role: 'user', content: 'Hi' }],
      ignore_eos: true,
    });
    const answer = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body });
    expect(answer.headers.get('access-control-allow-origin')).toBe('http://localhost:5173');
    // <|user|>Hi<|end|><|assistant|>
    expect(await answer.json()).toMatchObject({ usage: { prompt_tokens: 5, completion_tokens: 3 } });
    process.emit('SIGINT', 'SIGINT');
    expect(await code).toBe(130);
  } finally {
    delete process.env.QSPARSE_API_KEY;
  }
});

test('a port that is taken is said before the model is read', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as AddressInfo;
  const nowhere = join(folder.path, 'nowhere');
  expect(await cli('serve', nowhere, '--port', String(port), '--device', 'reference')).toEqual({
    code: 1,
    out: '',
    err: `[serve] port ${port} of 127.0.0.1 is in use; choose another with --port, or 0 for a free one\n`,
  });
  taken.close();
});

test.each<[string[], number, string]>([
  [[], 2, '[serve] the model folder is missing'],
  [['nowhere', '--port', '0', '--device', 'reference'], 1, 'there is no folder nowhere'],
  [['m', '--port', '70000'], 2, '--port must be at most 65535, got 70000'],
  [['m', '--port', 'http'], 2, '--port must be a whole number'],
  [['m', '--host', ''], 2, '--host must not be empty'],
  [['m', '--slots', '0'], 2, '--slots must be a whole number of at least 1'],
  [['m', '--queue', '1.5'], 2, '--queue must be a whole number'],
  [['m', '--cors', 'localhost:5173'], 2, '--cors must be an origin such as http://localhost:5173'],
  [['m', '--cors', 'http://a.example/'], 2, '--cors must be an origin'],
  [['m', '--api-key', 'with space'], 2, 'a key must consist of visible ASCII characters'],
  [['m', '--api-key', ''], 2, '--api-key must not be empty'],
  [['m', '--api_key', 'x'], 2, 'there is no option --api_key, did you mean --api-key?'],
  [['m', '--device', 'gpu'], 2, 'there is no device "gpu"'],
])('%j is refused in one line', async (argv, code, message) => {
  const ended = await cli('serve', ...argv);
  expect(ended).toMatchObject({ code, out: '' });
  expect(ended.err).toContain(message);
  expect(ended.err.trim().split('\n')).toHaveLength(1);
});

test('a context that the model does not have, and a template that is none, leave nothing open', async () => {
  const listeners = process.listenerCount('SIGINT');
  const more = await cli('serve', path, '--port', '0', '--device', 'reference', '--context-length', '100000');
  expect(more).toMatchObject({
    code: 1,
    err: expect.stringContaining('contextLength must be a whole number from 1 to 512'),
  });
  const template = await cli(
    'serve',
    path,
    '--port',
    '0',
    '--device',
    'reference',
    '--template',
    join(folder.path, 'no.jinja'),
  );
  expect(template).toMatchObject({
    code: 1,
    err: expect.stringContaining('there is no such file or folder'),
  });
  expect(process.listenerCount('SIGINT')).toBe(listeners);
});
