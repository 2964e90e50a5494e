import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CONTEXT, saveChatModel, TEMPLATE } from '../chat/chat-model.ts';
import { capturedOutput, cli, cliWith, temporaryFolder } from '../run-cli.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const model = join(folder.path, 'model');
const untaught = join(folder.path, 'untaught');
beforeAll(async () => {
  await saveChatModel(model);
  await saveChatModel(untaught, '');
});

const ARGUMENTS = ['chat', model, '--device', 'reference', '--max-tokens', '12'];
const STATISTICS = /\n\[\d+ tokens?, \d+\.\d tokens\/s, first after \d+\.\d\d s(, [^\]]+)?\]\n/;

function chat(lines: readonly string[], ...argv: readonly string[]) {
  const left = [...lines];
  return cliWith(() => left.shift(), [...ARGUMENTS, ...argv]);
}

interface Saved {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
}
const savedIn = (path: string): Saved => JSON.parse(readFileSync(path, 'utf8')) as Saved;
const events = (out: string) =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('every line has an answer and its speed; the conversation is kept and saved', async () => {
  const file = join(folder.path, 'conversation.json');
  const ended = await chat(['Hello', '', '  ', 'And you?', `/save ${file}`]);
  expect(ended).toMatchObject({ code: 0, err: '' });
  expect(ended.out.split(STATISTICS).length).toBeGreaterThan(3);
  expect(ended.out).toContain(`Saved to ${file}.\n`);
  const { messages } = savedIn(file);
  expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant']);
  expect(messages.map(({ content }) => content)).toMatchObject({ 0: 'Hello', 2: 'And you?' });
  expect(ended.out.startsWith(messages[1]!.content)).toBe(true);
  expect(ended.out).toContain(`\n${messages[3]!.content}\n[`);
});

test('the same seed gives the same conversation; what was said before counts', async () => {
  const texts = async (lines: string[], ...argv: string[]) =>
    events((await chat(lines, '--json', ...argv)).out).map(({ text }) => text);
  const first = await texts(['a', 'b']);
  expect(first).toHaveLength(2);
  expect(await texts(['a', 'b'])).toEqual(first);
  expect(await texts(['a', 'b'], '--seed', '9')).not.toEqual(first);
  expect((await texts(['x', 'b']))[1]).not.toBe(first[1]);
});

test('/reset forgets all but the system message', async () => {
  const [a, b] = ['before.json', 'after.json'].map((name) => join(folder.path, name));
  const lines = ['one', `/save ${a}`, '/reset', `/save ${b}`, 'one'];
  const ended = await chat(lines, '--system', 'Be brief.', '--json');
  const said = events(ended.out);
  expect(said.map(({ event }) => event)).toEqual(['answer', 'saved', 'reset', 'saved', 'answer']);
  expect(said[4]!.text).toBe(said[0]!.text);
  expect(savedIn(a!).messages[0]).toEqual({ role: 'system', content: 'Be brief.' });
  expect(savedIn(a!).messages).toHaveLength(3);
  expect(savedIn(b!).messages).toEqual([{ role: 'system', content: 'Be brief.' }]);
});

test('what begins with a slash is never sent', async () => {
  const ended = await chat(['/help', '/nonsense', '/save', `/save ${join(folder.path, 'no/such/x.json')}`]);
  expect(ended).toMatchObject({ code: 0, err: '' });
  expect(ended.out).toContain('/reset      forget the conversation\n');
  expect(ended.out).toContain('there is no /nonsense; /help shows what there is\n');
  expect(ended.out).toContain('/save takes the name of a file\n');
  expect(ended.out).toMatch(/\[write\] .*x\.json/);
  expect(ended.out).not.toMatch(STATISTICS);
  expect(existsSync(join(folder.path, 'no'))).toBe(false);
});

test('--json is one object a line, with what the answer cost', async () => {
  const [answer, problem, help] = events((await chat(['Hello', '/what', '/help'], '--json')).out);
  expect(answer).toEqual({
    event: 'answer',
    text: expect.any(String),
    tokens: expect.any(Number),
    seconds: expect.any(Number),
    firstSeconds: expect.any(Number),
    tokensPerSecond: expect.any(Number),
    end: expect.stringMatching(/^(stop|length)$/),
  });
  expect(problem).toMatchObject({ event: 'problem', message: expect.stringContaining('/what') });
  expect(help).toMatchObject({ event: 'help' });
});

test('a full context is said, and /reset helps', async () => {
  const long = 'x'.repeat(CONTEXT - 40);
  const said = events(
    (await chat([long, 'more', '/reset', 'Hi', 'y'.repeat(CONTEXT)], '--json', '--max-tokens', '100')).out,
  );
  expect(said.map(({ event }) => event)).toEqual(['answer', 'problem', 'reset', 'answer', 'problem']);
  expect(said[0]).toMatchObject({ end: expect.stringMatching(/^(context|stop)$/) });
  expect(said[1]!.message).toMatch(/^\[chat\] the conversation has \d+ tokens, the model sees 512; say less/);
});

test.each([
  ['typed in a terminal', true],
  ['sent as a signal', false],
])('Ctrl-C stops the answer and not the program: %s', async (_, isTerminal) => {
  let asked = 0;
  const output = capturedOutput();
  const next = (prompt: string, interrupt: () => void): string | undefined => {
    expect(prompt).toBe('> ');
    if (++asked === 1) {
      // Stopped as soon as there is something of it.
      const timer = setInterval(() => {
        if (!output.out.includes('Ctrl-C stops') && isTerminal) return;
        clearInterval(timer);
        if (isTerminal) interrupt();
        else process.emit('SIGINT', 'SIGINT');
      }, 5);
    }
    return ['first', '/reset', 'second'][asked - 1];
  };
  const argv = [...ARGUMENTS, '--max-tokens', '400', '--temperature', '0'];
  const ended = await cliWith(next, argv, { isTerminal, output });
  expect(ended).toMatchObject({ code: 0, err: '' });
  expect(asked).toBe(4);
  expect(ended.out.match(/, stopped\]\n/g)).toHaveLength(1);
  expect(ended.out.match(/tokens\/s/g)).toHaveLength(2);
});

test('what a model writes does not steer a terminal', async () => {
  const lines = Array.from({ length: 6 }, (_, i) => `Hello ${i}`);
  const controls = /(?![\n\t])\p{Cc}/u;
  const texts = async (output: ReturnType<typeof capturedOutput>) => {
    const left = lines.flatMap((line) => [line, '/reset']);
    const argv = [...ARGUMENTS, '--temperature', '20', '--max-tokens', '60'];
    return (await cliWith(() => left.shift(), argv, { output })).out;
  };
  expect(await texts(capturedOutput())).toMatch(controls);
  expect(await texts(capturedOutput({ isTerminal: true }))).not.toMatch(controls);
});

test('Ctrl-C between answers: a person is told how to leave, the second one leaves', async () => {
  const never = new Promise<string>(() => {});
  const next = (_: string, interrupt: () => void) => {
    setTimeout(interrupt, 5);
    setTimeout(interrupt, 25);
    return never;
  };
  const ended = await cliWith(next, ARGUMENTS, { isTerminal: true });
  expect(ended).toMatchObject({ code: 130, err: '' });
  expect(ended.out.match(/Ctrl-C once more does too/g)).toHaveLength(1);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('%s while it waits for a pipe ends with %d', async (name, code) => {
  const listeners = process.listenerCount(name);
  const next = () => {
    setTimeout(() => process.emit(name, name), 5);
    return new Promise<string>(() => {});
  };
  expect(await cliWith(next, ARGUMENTS)).toMatchObject({ code, err: '' });
  expect(process.listenerCount(name)).toBe(listeners);
});

test('SIGTERM in the middle of an answer ends it and the chat', async () => {
  const next = () => {
    setTimeout(() => process.emit('SIGTERM', 'SIGTERM'), 20);
    return 'Hello';
  };
  const argv = [...ARGUMENTS, '--max-tokens', '400', '--temperature', '0'];
  expect((await cliWith(next, argv)).code).toBe(143);
});

test('a template from a file, in place of one or for a model without', async () => {
  const file = join(folder.path, 'own.jinja');
  writeFileSync(file, TEMPLATE);
  const lines = ['Hello'];
  const own = await cliWith(
    () => lines.shift(),
    ['chat', untaught, '--device', 'reference', '--template', file],
  );
  expect(own).toMatchObject({ code: 0, err: '' });
  writeFileSync(file, "{{ raise_exception('no') }}");
  const refused = await chat(['Hello'], '--template', file);
  expect(refused.code).toBe(1);
  expect(refused.err).toContain('says: no; change the messages or the template');
});

test.each<[string[], number, string]>([
  [['chat'], 2, 'the model folder is missing'],
  [
    ['chat', untaught],
    1,
    'has no chat template: the model was not trained to talk; let it continue a text with',
  ],
  [['chat', model, '--template', 'nowhere.jinja'], 1, 'nowhere.jinja'],
  [['chat', model, '--min-p', '2'], 2, '--min-p must be from 0 to 1, got 2'],
  [['chat', model, '--stop', ''], 2, '--stop must be a text that is not empty'],
])('%j is refused in one line', async (argv, code, message) => {
  const [name, ...rest] = argv;
  const ended = await cli(name!, ...rest, '--device', 'reference');
  expect(ended).toMatchObject({ code, out: '' });
  expect(ended.err).toContain(message);
  expect(ended.err.trim().split('\n')).toHaveLength(1);
});
