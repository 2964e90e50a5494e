/** Runs that start from a model: continued training, examples, preferences, adapters. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli, SMALL, temporaryFolder, writeText } from '../run-cli.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const text = writeText(folder.path);
const base = join(folder.path, 'base');
let runs = 0;
const fresh = () => join(folder.path, `run-${++runs}`);
/** The device of most runs; one thread starts at once. */
const CPU = ['--device', 'cpu', '--threads', '1'];
const QUICK = [...CPU, '--batch', '2', '--warmup', '1', '--validation-batches', '2', '--sample-every', '0'];
const DENSE = [
  '--context',
  '72',
  '--sparsity',
  '0',
  '--weights',
  'full',
  '--activations',
  'full',
  '--activation',
  'silu',
  '--sub-layer-norms',
  'false',
];

beforeAll(async () => {
  const ended = await cli('train', ...SMALL, ...CPU, ...DENSE, '--data', text, '--out', base, '--steps', '3');
  expect(ended).toMatchObject({ code: 0, err: '' });
});

const lines = (name: string, rows: readonly unknown[]): string => {
  const path = join(folder.path, name);
  writeFileSync(path, rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'));
  return path;
};
const some = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));
const completions = lines(
  'completions.jsonl',
  some(12, (i) => ({ prompt: `What is ${i}?`, completion: `It is ${i * i}.` })),
);
const chats = lines(
  'chats.jsonl',
  some(8, (i) => ({
    messages: [
      { role: 'user', content: `Say ${i}` },
      { role: 'assistant', content: `${i}, as you say` },
    ],
  })),
);
const preferences = lines(
  'preferences.jsonl',
  some(8, (i) => ({ prompt: `Count to ${i}`, chosen: `yes ${i}`, rejected: `no, ${i}` })),
);

const train = (out: string, ...argv: string[]) =>
  cli('train', ...QUICK, '--init', base, '--out', out, ...argv);
const resume = (out: string, ...argv: string[]) => cli('train', ...CPU, '--resume', out, ...argv);
const learnt = (out: string): unknown[] =>
  readFileSync(join(out, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const { tokensPerSecond: _, ...rest } = JSON.parse(line) as Record<string, unknown>;
      return rest;
    });
const checkpoint = (out: string, step: number, file = '') =>
  join(out, 'checkpoints', `step-${String(step).padStart(8, '0')}`, file);
const configOf = (out: string, step: number) =>
  JSON.parse(readFileSync(checkpoint(out, step, 'config.json'), 'utf8'));

const SHORT = ['--steps', '6', '--save-every', '2', '--validate-every', '3'];
const KINDS: readonly (readonly [string, readonly string[], string])[] = [
  [
    'continued, top-K with a warm-up',
    ['--data', text, '--sparsity', '0.5', '--sparsity-warmup', '4'],
    'model',
  ],
  [
    'continued as squared ReLU in blocks',
    ['--data', text, '--block', '2:4', '--activation', 'relu2'],
    'model',
  ],
  ['ReLUfication', ['--data', text, '--method', 'relufication', '--keep-optimizer', 'false'], 'model'],
  [
    'dReLU, an average, recomputed blocks',
    ['--data', text, '--method', 'drelu', '--ema', '0.9', '--recompute', 'true'],
    'model',
  ],
  ['completions', ['--task', 'sft', '--data', completions, '--accumulation', '2'], 'model'],
  [
    'chats with an adapter',
    ['--task', 'sft', '--data', chats, '--lora-rank', '2', '--lora-targets', 'q,v,down'],
    'adapter_model',
  ],
  ['preferences', ['--task', 'dpo', '--data', preferences], 'model'],
  [
    'preferences with an adapter',
    [
      '--task',
      'dpo',
      '--data',
      preferences,
      '--lora-rank',
      '2',
      '--weights',
      'ternary',
      '--activations',
      'int8',
    ],
    'adapter_model',
  ],
];

describe.each(KINDS)('%s', (_, argv, file) => {
  test('a run that was killed after a checkpoint ends with the same bits', async () => {
    const [whole, killed] = [fresh(), fresh()];
    for (const out of [whole, killed])
      expect(await train(out, ...argv, ...SHORT)).toMatchObject({ code: 0, err: '' });
    expect(learnt(whole)).toHaveLength(6);
    expect(learnt(killed)).toEqual(learnt(whole));
    rmSync(checkpoint(killed, 6), { recursive: true });
    const ended = await resume(killed);
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect(learnt(killed)).toEqual(learnt(whole));
    expect(readdirSync(checkpoint(killed, 6))).toEqual(readdirSync(checkpoint(whole, 6)));
    for (const name of [`${file}.safetensors`, 'optimizer.safetensors', 'training.json', 'config.json'])
      expect(readFileSync(checkpoint(killed, 6, name)).equals(readFileSync(checkpoint(whole, 6, name)))).toBe(
        true,
      );
  });
});

test('the settings of the base stay, what is asked for is changed, and run.yaml says all', async () => {
  const out = fresh();
  const ended = await train(out, '--data', text, '--steps', '2', '--activation', 'relu2');
  expect(ended.out).toContain(`optimizer  goes on from ${checkpoint(base, 3)}, after 3 updates`);
  expect(configOf(out, 2)).toMatchObject({
    hidden_act: 'relu2',
    max_position_embeddings: 72,
    qsparse: { sparsity: 0.5, weights: 'full', sub_layer_norms: false },
  });
  const yaml = readFileSync(join(out, 'run.yaml'), 'utf8');
  for (const line of [`init: ${base}`, 'width: 8', 'schedule: linear', 'clip: 2', 'sub-layer-norms: false'])
    expect(yaml).toContain(`\n${line}\n`);
  expect(yaml).not.toContain('vocabulary');
  const again = fresh();
  expect((await cli('train', join(out, 'run.yaml'), '--out', again, ...CPU)).code).toBe(0);
  expect(learnt(again)).toEqual(learnt(out));
  expect(JSON.parse(readFileSync(checkpoint(out, 2, 'training.json'), 'utf8'))).toMatchObject({
    earlierUpdates: 3,
  });
});

test('the baselines are in config.json, and load again', async () => {
  const [relu, drelu] = [fresh(), fresh()];
  await train(relu, '--data', text, '--steps', '1', '--method', 'relu');
  expect(configOf(relu, 1)).toMatchObject({ hidden_act: 'silu', qsparse: { selection: 'relu' } });
  await train(drelu, '--data', text, '--steps', '1', '--method', 'drelu');
  expect(configOf(drelu, 1)).toMatchObject({ hidden_act: 'drelu', qsparse: { sparsity: 0 } });
  expect((await cli('generate', relu, '--prompt', 'The', '--max-tokens', '2', ...CPU)).code).toBe(0);
});

test('epochs decide the steps; a resume with steps goes further', async () => {
  const out = fresh();
  const ended = await train(out, '--task', 'sft', '--data', completions, '--epochs', '2');
  expect(ended.out).toContain('examples   11 to learn from, 1 held back');
  // 11 examples of about 22 tokens are 4 rows of 72: 8 rows in two epochs, 2 an update.
  expect(learnt(out)).toHaveLength(4);
  expect((await resume(out, '--steps', '5')).code).toBe(0);
  expect(learnt(out)).toHaveLength(5);
});

test('a model that was taught to answer can be asked: its template is beside it', async () => {
  const out = fresh();
  const ended = await train(
    out,
    '--task',
    'sft',
    '--data',
    chats,
    '--steps',
    '2',
    '--sample-every',
    '2',
    '--sample-prompt',
    'Hi',
  );
  expect(ended.out).toContain('sample     Hi');
  expect(readFileSync(checkpoint(out, 2, 'chat_template.jinja'), 'utf8')).toContain('### Instruction:');
  const further = fresh();
  const again = await cli(
    'train',
    ...QUICK,
    '--init',
    out,
    '--out',
    further,
    '--task',
    'dpo',
    '--data',
    preferences,
    '--steps',
    '1',
  );
  expect(again).toMatchObject({ code: 0, err: '' });
  expect(again.out).toMatch(/validation 0\.\d+ nats a pair/);
});

test('preferences are learnt: the loss begins at log 2 and falls', async () => {
  const out = fresh();
  await train(
    out,
    '--task',
    'dpo',
    '--data',
    preferences,
    '--steps',
    '12',
    '--batch',
    '4',
    '--learning-rate',
    '0.01',
    '--schedule',
    'constant',
  );
  const losses = learnt(out).map((line) => (line as { loss: number }).loss);
  expect(losses[0]).toBeCloseTo(Math.LN2, 5);
  expect(losses.at(-1)).toBeLessThan(0.65);
});

test('an adapter is PEFT’s, and merged it is a model of its own', async () => {
  const [out, merged] = [fresh(), fresh()];
  await train(
    out,
    '--task',
    'sft',
    '--data',
    chats,
    '--lora-rank',
    '2',
    '--lora-alpha',
    '4',
    '--steps',
    '3',
    '--learning-rate',
    '0.01',
  );
  expect(JSON.parse(readFileSync(checkpoint(out, 3, 'adapter_config.json'), 'utf8'))).toMatchObject({
    peft_type: 'LORA',
    r: 2,
    lora_alpha: 4,
    base_model_name_or_path: base,
    target_modules: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
  });
  expect(existsSync(checkpoint(out, 3, 'model.safetensors'))).toBe(false);
  expect(await cli('merge', out, merged)).toMatchObject({
    code: 0,
    err: '',
    out: `${merged} is written: ${checkpoint(out, 3)} merged into ${base}\n`,
  });
  expect(readdirSync(merged).sort()).toEqual([
    'chat_template.jinja',
    'config.json',
    'model.safetensors',
    'tokenizer.json',
  ]);
  const ended = await cli(
    'generate',
    merged,
    '--prompt',
    'The',
    '--max-tokens',
    '2',
    '--device',
    'reference',
  );
  expect(ended.code).toBe(0);
  expect(
    readFileSync(join(merged, 'model.safetensors')).equals(
      readFileSync(checkpoint(base, 3, 'model.safetensors')),
    ),
  ).toBe(false);
});

test('an average of the weights is written by merge --ema', async () => {
  const [out, merged] = [fresh(), fresh()];
  await train(out, '--data', text, '--steps', '2', '--ema', '0.9');
  expect(await cli('merge', out, merged, '--ema')).toMatchObject({ code: 0, err: '' });
  expect((await cli('generate', merged, '--prompt', 'The', '--max-tokens', '2', ...CPU)).code).toBe(0);
  const without = await cli('merge', base, fresh(), '--ema');
  expect(without).toMatchObject({ code: 2, err: expect.stringContaining('holds no average of its weights') });
});

const ROWS = some(3, (i) => ({ prompt: `p${i}`, completion: 'c' }));
describe('one line, an exit code, and no folder is left', () => {
  test.each<[string, string[], number, string]>([
    ['no such base', ['--init', '/nowhere', '--data', text], 1, 'there is no folder /nowhere'],
    [
      'a width of another model',
      ['--data', text, '--width', '16'],
      2,
      `width is that of ${base}, 8, got 16; leave it out`,
    ],
    ['a longer context', ['--data', text, '--context', '99'], 2, 'at most 72, got 99'],
    [
      'another tokenizer',
      ['--data', text, '--tokenizer', 'bpe'],
      2,
      'brings its tokenizer; leave tokenizer out',
    ],
    [
      'blocks that do not divide',
      ['--data', text, '--block', '1:3'],
      1,
      'blocks of 3 must divide the width 8',
    ],
    [
      'targets that are none',
      ['--data', text, '--lora-rank', '2', '--lora-targets', 'q,head'],
      2,
      'lora-targets must be all or some of q,k,v,o',
    ],
    [
      'an average of an adapter',
      ['--data', text, '--lora-rank', '2', '--ema', '0.9'],
      2,
      'ema keeps an average of all weights',
    ],
    [
      'rows without the named field',
      ['--task', 'sft', '--data', lines('named.jsonl', [...ROWS, { text: 'x' }])],
      1,
      'named.jsonl, line 4: the keys must be "prompt" and "completion"',
    ],
    [
      'a stated form',
      ['--task', 'sft', '--format', 'alpaca', '--data', completions],
      1,
      'completions.jsonl, line 1: no key "instruction"',
    ],
    [
      'an empty completion',
      ['--task', 'sft', '--data', lines('empty.jsonl', [...ROWS, { prompt: 'p', completion: ' ' }])],
      1,
      'empty.jsonl, line 4: the completion is empty',
    ],
    [
      'a prompt longer than the context',
      [
        '--task',
        'sft',
        '--data',
        lines('long.jsonl', [...ROWS, { prompt: 'p'.repeat(99), completion: 'c' }]),
      ],
      1,
      'long.jsonl, line 4: the prompt has 100 tokens, the context is 72',
    ],
    [
      'no row that can be learnt from',
      [
        '--task',
        'sft',
        '--bad-rows',
        'skip',
        '--data',
        lines(
          'bad.jsonl',
          some(3, () => ({ prompt: 'p', completion: '' })),
        ),
      ],
      2,
      '0 of 3 rows can be learnt from',
    ],
    [
      'a preference without its other half',
      ['--task', 'dpo', '--data', lines('half.jsonl', [{ prompt: 'p', chosen: 'c' }])],
      1,
      'half.jsonl, line 1: the keys must be',
    ],
    [
      'a damaged line',
      ['--task', 'sft', '--data', lines('damaged.jsonl', [...ROWS, '{"prompt"'])],
      1,
      'damaged.jsonl, line 4: not valid JSON',
    ],
    [
      'a template that is none',
      ['--task', 'sft', '--data', chats, '--chat-template', '/nowhere.jinja'],
      1,
      '/nowhere.jinja',
    ],
  ])('%s', async (_, argv, code, message) => {
    const out = fresh();
    const ended = await train(out, '--steps', '2', ...argv);
    expect(ended.err).toContain(message);
    expect(ended.err.trim().split('\n')).toHaveLength(1);
    expect(ended.code).toBe(code);
    expect(existsSync(out)).toBe(false);
  });

  test.each<[string, string[], string]>([
    [
      'examples without a model',
      ['--task', 'sft', '--data', completions],
      'task sft teaches a model that is there; give it with --init',
    ],
    ['an adapter without a model', ['--lora-rank', '2'], 'lora-rank adapts a model that is there'],
  ])('%s', async (_, argv, message) => {
    const ended = await cli('train', ...SMALL, '--out', fresh(), ...argv);
    expect(ended).toMatchObject({ code: 2, err: expect.stringContaining(message) });
  });
});

test('rows that cannot be learnt from are left out on request, and counted', async () => {
  const out = fresh();
  const data = lines('mixed.jsonl', [
    ...ROWS,
    { prompt: 'p', completion: '' },
    { prompt: 'p'.repeat(99), completion: 'c' },
  ]);
  const ended = await train(out, '--task', 'sft', '--data', data, '--bad-rows', 'skip', '--steps', '1');
  expect(ended.out).toContain('examples   2 to learn from, 1 held back; 2 rows were left out');
});

test('a resumed adapter whose base has changed is refused', async () => {
  const [own, out] = [join(folder.path, 'own-base'), fresh()];
  const make = (seed: string) =>
    cli('train', ...SMALL, ...CPU, ...DENSE, '--data', text, '--out', own, '--steps', '1', '--seed', seed);
  await make('1');
  await cli(
    'train',
    ...QUICK,
    '--init',
    own,
    '--out',
    out,
    '--task',
    'sft',
    '--data',
    chats,
    '--lora-rank',
    '2',
    '--steps',
    '2',
  );
  rmSync(own, { recursive: true });
  await make('2');
  const ended = await resume(out, '--steps', '3');
  expect(ended).toMatchObject({ code: 1, err: expect.stringContaining('was trained on data') });
});

test('Ctrl-C while examples are learnt saves, and what goes on has the same bits', async () => {
  const [whole, out] = [fresh(), fresh()];
  const argv = ['--task', 'sft', '--data', completions, '--lora-rank', '2', '--steps', '40'];
  await train(whole, ...argv);
  const running = train(out, ...argv);
  const seen = setInterval(() => {
    if (!existsSync(join(out, 'metrics.jsonl'))) return;
    clearInterval(seen);
    process.emit('SIGINT', 'SIGINT');
  }, 1);
  const ended = await running;
  clearInterval(seen);
  expect(ended.code).toBe(130);
  expect(learnt(out).length).toBeLessThan(40);
  expect((await resume(out)).code).toBe(0);
  expect(learnt(out)).toEqual(learnt(whole));
  const adapter = 'adapter_model.safetensors';
  expect(
    readFileSync(checkpoint(out, 40, adapter)).equals(readFileSync(checkpoint(whole, 40, adapter))),
  ).toBe(true);
});

test('an adapter alone is no model: the line says how it becomes one', async () => {
  const out = fresh();
  await train(out, '--task', 'sft', '--data', chats, '--lora-rank', '2', '--steps', '1');
  const ended = await cli('generate', out, '--prompt', 'The', ...CPU);
  expect(ended).toMatchObject({
    code: 1,
    err: expect.stringContaining(
      'holds a LoRA adapter alone; write it with its base as a model: `qsparse merge`',
    ),
  });
});
