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
  expect(JSON.parse(out)).toEqual({ prompt: 'é', text: expect.any(String), seconds: expect.any(Number) });
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
