import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli, SMALL, temporaryFolder, writeText } from '../run-cli.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const run = join(folder.path, 'run');
beforeAll(async () => {
  await cli('train', ...SMALL, '--steps', '3', '--data', writeText(folder.path), '--out', run);
});
const generate = (...argv: string[]) => cli('generate', run, '--device', 'reference', ...argv);

test('the prompt and what follows it, the same for the same seed', async () => {
  const first = await generate('--prompt', 'The ', '--max-tokens', '20', '--seed', '4');
  expect(first).toMatchObject({ code: 0, err: '' });
  expect(first.out.startsWith('The ')).toBe(true);
  expect(first.out.length).toBeGreaterThan(10);
  expect(await generate('--prompt', 'The ', '--max-tokens', '20', '--seed', '4')).toEqual(first);
  expect((await generate('--prompt', 'The ', '--max-tokens', '20', '--seed', '5')).out).not.toBe(first.out);
});

test('--json is one object', async () => {
  const { out, err } = await generate('--prompt', 'é', '--max-tokens', '3', '--temperature', '0', '--json');
  expect(err).toBe('');
  expect(out.trim().split('\n')).toHaveLength(1);
  expect(JSON.parse(out)).toEqual({
    prompt: 'é',
    text: expect.any(String),
    seconds: expect.any(Number),
    end: 'length',
    tokens: 3,
  });
});

test('--logprobs gives the tokens with their probabilities', async () => {
  const { out } = await generate('--prompt', 'x', '--max-tokens', '2', '--logprobs', '3', '--json');
  const { tokens } = JSON.parse(out) as { tokens: { logprob: number; alternatives: object[] }[] };
  expect(tokens).toHaveLength(2);
  for (const { logprob, alternatives } of tokens) {
    expect(logprob).toBeLessThan(0);
    expect(alternatives).toHaveLength(3);
  }
});

test('stop texts are not printed, however they are spelled', async () => {
  const flags = ['--prompt', 'The ', '--max-tokens', '30', '--seed', '4', '--temperature', '1'];
  const { text } = JSON.parse((await generate(...flags, '--json')).out) as { text: string };
  const stop = text.slice(5, 8);
  const ended = await generate(...flags, '--stop', 'unheard of', '--stop', stop);
  expect(ended).toMatchObject({ code: 0, out: `The ${text.slice(0, text.indexOf(stop))}\n` });
});

test('the prompt in chunks means the same; minP and the penalty count', async () => {
  const flags = ['--prompt', 'The li', '--max-tokens', '30', '--temperature', '1'];
  const plain = (await generate(...flags)).out;
  expect((await generate(...flags, '--chunk', '1')).out).toBe(plain);
  expect((await generate(...flags, '--repetition-penalty', '1.0')).out).toBe(plain);
  expect((await generate(...flags, '--min-p', '1')).out).toBe(
    (await generate(...flags, '--temperature', '0')).out,
  );
  const penalized = [...flags, '--temperature', '0', '--repetition-penalty', '100'];
  const all = JSON.parse((await generate(...penalized, '--json')).out) as { text: string };
  const window = [...penalized, '--repetition-window', '1', '--json'];
  expect((JSON.parse((await generate(...window)).out) as { text: string }).text).not.toBe(all.text);
});

test.each<[string[], number, string]>([
  [[], 2, '--prompt TEXT is required'],
  [['--prompt', ''], 2, '--prompt TEXT is required'],
  [['--prompt', 'far too long for it'], 1, 'the prompt has 19 tokens, the model sees 8; shorten the prompt'],
  [['--prompt', 'x', '--max-tokens', '0'], 2, '--max-tokens must be a whole number of at least 1'],
  [['--prompt', 'x', '--temperature=-1'], 2, '--temperature must be 0 or more, got -1'],
  [['--prompt', 'x', '--temperature', 'hot'], 2, '--temperature must be a number, got "hot"'],
  [['--prompt', 'x', '--top-p', '1.5'], 2, '--top-p must be above 0 and at most 1'],
  [['--prompt', 'x', '--top-k', '-1'], 2, '--top-k takes a value'],
  [['--prompt', 'x', '--min-p', '1.5'], 2, '--min-p must be from 0 to 1, got 1.5'],
  [['--prompt', 'x', '--repetition-penalty', '0'], 2, '--repetition-penalty must be above 0, got 0'],
  [['--prompt', 'x', '--stop', ''], 2, '--stop must be a text that is not empty'],
  [['--prompt', 'x', '--chunk', '0'], 2, '--chunk must be a whole number of at least 1'],
  [['--prompt', 'x', '--logprobs', '2'], 2, '--logprobs is printed with --json alone'],
  [['--prompt', 'x', '--seed', '1.5'], 2, '--seed must be a whole number'],
  [['--prompt', 'x', '--device', 'gpu'], 2, 'there is no device "gpu"'],
])('%j is refused in one line', async (argv, code, message) => {
  const ended = await generate(...argv);
  expect(ended).toMatchObject({ code, out: '' });
  expect(ended.err).toContain(message);
  expect(ended.err.trim().split('\n')).toHaveLength(1);
});

test('no model, and a model that is damaged', async () => {
  expect(await cli('generate', '--prompt', 'x')).toMatchObject({
    code: 2,
    err: expect.stringContaining('the model folder is missing'),
  });
  const nowhere = await cli('generate', join(folder.path, 'no'), '--prompt', 'x', '--device', 'reference');
  expect(nowhere).toMatchObject({ code: 1, err: expect.stringContaining('there is no folder') });
  const config = join(run, 'checkpoints', 'step-00000003', 'config.json');
  const text = readFileSync(config, 'utf8');
  writeFileSync(config, text.replace('"hidden_size": 8', '"hidden_size": 16'));
  const damaged = await generate('--prompt', 'x');
  writeFileSync(config, text);
  expect(damaged.code).toBe(1);
  expect(damaged.err).toContain('must have shape');
});

test('Ctrl-C ends the text', async () => {
  // The likeliest token over and over: this model does not end its text by itself.
  const running = generate('--prompt', 'The ', '--max-tokens', '1000000', '--temperature', '0');
  const timer = setTimeout(() => process.emit('SIGINT', 'SIGINT'), 100);
  const ended = await running;
  clearTimeout(timer);
  expect(ended).toMatchObject({ code: 130, err: '' });
  expect(ended.out.endsWith('\n')).toBe(true);
});
