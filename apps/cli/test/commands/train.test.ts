import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NonFiniteError } from '@qsparse/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli, SMALL, temporaryFolder, writeText } from '../run-cli.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const text = writeText(folder.path);
let runs = 0;
const fresh = () => join(folder.path, `run-${++runs}`);
const train = (out: string, ...argv: string[]) =>
  cli('train', ...SMALL, '--data', text, '--out', out, ...argv);
const resume = (out: string, ...argv: string[]) =>
  cli('train', '--device', 'reference', '--resume', out, ...argv);

interface Line {
  readonly step: number;
  readonly loss: number;
}
const metricsOf = (out: string): Line[] =>
  readFileSync(join(out, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
/** What the clock does not decide. */
const learnt = (out: string) => metricsOf(out).map(({ step, loss }) => [step, loss]);

describe('a run', () => {
  const out = fresh();
  let printed: string;
  beforeAll(async () => {
    const ended = await train(out, '--steps', '6', '--save-every', '2', '--sample-every', '3', '--seed', '7');
    expect(ended).toMatchObject({ code: 0, err: '' });
    printed = ended.out;
  });

  test('says what it does and what to type next', () => {
    for (const part of [
      `run        ${out}`,
      'device     reference: float64 loops in JavaScript',
      'linear layers that see 40 % of the inputs',
      'step 1/6  loss 5.',
      'step 6/6  loss 5.',
      'sample     The ',
      '┤',
      'of the inputs of linear layers are zero, weighted by parameters (qkv ',
      'bits a byte',
      `generate ${out} --prompt "The "`,
      `inspect ${out}`,
      `train --resume ${out} --steps 12`,
    ])
      expect(printed).toContain(part);
  });

  test('leaves settings, metrics and the two newest checkpoints, each a model folder', () => {
    expect(readdirSync(out).sort()).toEqual([
      'checkpoints',
      expect.stringMatching(/^events\.out\.tfevents\.\d+\./),
      'metrics.jsonl',
      'run.yaml',
    ]);
    expect(readdirSync(join(out, 'checkpoints')).sort()).toEqual(['step-00000004', 'step-00000006']);
    expect(readdirSync(join(out, 'checkpoints', 'step-00000006')).sort()).toEqual([
      'config.json',
      'model.safetensors',
      'optimizer.safetensors',
      'tokenizer.json',
      'training.json',
    ]);
    const yaml = readFileSync(join(out, 'run.yaml'), 'utf8');
    expect(yaml).toContain(`data:\n  - ${text}\n`);
    expect(yaml).toContain('\nseed: 7\n');
    expect(metricsOf(out).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('its run.yaml gives the same run again', async () => {
    const again = fresh();
    const ended = await cli('train', join(out, 'run.yaml'), '--out', again, '--device', 'reference');
    expect(ended.code).toBe(0);
    expect(learnt(again)).toEqual(learnt(out));
  });

  test('goes on: the losses are those of a run that was longer from the start', async () => {
    const whole = fresh();
    await train(
      whole,
      '--steps',
      '9',
      '--schedule',
      'constant',
      '--sparsity-warmup',
      '6',
      '--accumulation',
      '2',
    );
    const parts = fresh();
    await train(
      parts,
      '--steps',
      '4',
      '--schedule',
      'constant',
      '--sparsity-warmup',
      '6',
      '--accumulation',
      '2',
    );
    const ended = await resume(parts, '--steps', '9');
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect(learnt(parts)).toEqual(learnt(whole));
    expect(readFileSync(join(parts, 'run.yaml'), 'utf8')).toContain('\nsteps: 9\n');
    const none = await resume(parts);
    expect(none.code).toBe(0);
    expect(none.out).toContain('nothing to do: the run has its 9 steps; give more with --steps');
    expect(learnt(parts)).toEqual(learnt(whole));
  });
});

test('--json: one object a line on standard output, nothing else there', async () => {
  const { code, out, err } = await train(fresh(), '--steps', '4', '--sample-every', '2', '--json');
  expect(code).toBe(0);
  const events = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string });
  expect(events.map(({ event }) => event)).toEqual([
    'run',
    'model',
    'step',
    'step',
    'sample',
    'step',
    'step',
    'sample',
    'done',
  ]);
  expect(events.at(-1)).toMatchObject({
    step: 4,
    sparsity: { overall: expect.any(Number), sites: { 'layers.0.qkv': 0.625 } },
    validationLoss: expect.any(Number),
    bitsPerByte: expect.any(Number),
    resume: expect.stringContaining('train --resume'),
  });
  expect(err).toContain('run        ');
});

test('the dense twin, blocks, SwiGLU and BPE', async () => {
  const last = async (...argv: string[]) => {
    const { code, out } = await train(fresh(), '--steps', '2', '--json', '--activations', 'full', ...argv);
    expect(code).toBe(0);
    return out;
  };
  expect(await last('--sparsity', '0', '--activation', 'silu')).toContain('"overall":0,');
  expect(await last('--block', '4:8', '--activation', 'silu')).toContain('"overall":0.5,');
  expect(await last('--tokenizer', 'bpe', '--vocabulary', '280')).toContain('"vocabulary":280,');
});

test.each<[string, string[], number, string]>([
  ['a missing file', ['--data', '/nowhere.txt'], 1, '/nowhere.txt: no such file; check the path'],
  ['an unknown option', ['--layrs', '2'], 2, 'there is no option --layrs, did you mean --layers?'],
  ['an unknown device', ['--device', 'gpu'], 2, 'there is no device "gpu"; did you mean cpu?'],
  ['an unknown preset', ['--preset', 'tny'], 2, 'there is no preset "tny"; did you mean tiny?'],
  ['K = 0', ['--sparsity', '1'], 2, '[train] --sparsity must be a number of at least 0 and below 1, got "1"'],
  ['K above n', ['--block', '9:8'], 2, 'KEEP from 1 to BLOCK'],
  ['blocks that do not divide', ['--block', '2:3'], 2, 'width must be a multiple of the block 2:3, got 8'],
  [
    'a vocabulary that does not fit',
    ['--vocabulary', '12'],
    2,
    '--vocabulary must be a whole number of at least 257',
  ],
  ['heads that do not divide', ['--heads', '3'], 2, 'width must be a multiple of heads, got 8 and 3'],
  ['too long rows', ['--context', '99999'], 2, 'a row of context 99999 needs 100000; give more text'],
  ['a sample prompt that is empty', ['--sample-prompt', ''], 2, 'sample-prompt must have 1 to 8 tokens'],
  ['a sample prompt that is too long', ['--sample-prompt', 'far too long'], 2, 'got 12'],
  ['a missing run.yaml', ['missing.yaml'], 1, 'missing.yaml: there is no such file'],
  ['two run.yaml', ['a.yaml', 'b.yaml'], 2, 'at most 1 arguments are taken'],
  ['an empty folder name', ['--out', ''], 2, '--out must name a folder'],
])('%s: one line, exit code, and no folder is left', async (_, argv, code, message) => {
  const out = fresh();
  const ended = await train(out, '--steps', '2', ...argv);
  expect(ended.err.trim().split('\n')).toHaveLength(1);
  expect(ended.err).toContain(message);
  expect(ended.code).toBe(code);
  expect(existsSync(out)).toBe(false);
});

test('a text that is damaged or short leaves no folder either', async () => {
  for (const [name, content] of [
    ['empty.txt', ''],
    ['binary.txt', Uint8Array.of(0, 1, 0xff)],
    ['short.txt', 'hello'],
  ] as const) {
    writeFileSync(join(folder.path, name), content);
    const out = fresh();
    const ended = await cli('train', ...SMALL, '--data', join(folder.path, name), '--out', out);
    expect(ended.code).toBeGreaterThan(0);
    expect(existsSync(out)).toBe(false);
  }
});

test('a folder that holds a run is not touched', async () => {
  const out = fresh();
  await train(out, '--steps', '2');
  const before = learnt(out);
  const ended = await train(out, '--steps', '3');
  expect(ended).toMatchObject({
    code: 1,
    err: expect.stringContaining(`${out} holds a run already; go on with --resume ${out}`),
  });
  expect(learnt(out)).toEqual(before);
});

describe('a resume that is refused changes nothing', () => {
  const out = fresh();
  const files = () => readdirSync(out, { recursive: true }).sort();
  const yaml = () => readFileSync(join(out, 'run.yaml'), 'utf8');
  beforeAll(async () => {
    await train(out, '--steps', '4', '--save-every', '2');
  });

  test.each<[string, string[], number, string]>([
    ['other settings', ['--width', '16'], 2, '--width cannot change in a run that goes on, only steps, '],
    ['another preset', ['--preset', 'tiny'], 2, 'leave out run.yaml, --preset and --out'],
    ['another folder', ['--out', 'x'], 2, 'leave out run.yaml, --preset and --out'],
    ['other data', ['--steps', '9', '--data', writeOther()], 1, 'was trained on data'],
    ['missing data', ['--steps', '9', '--data', '/nowhere.txt'], 1, 'no such file'],
  ])('%s', async (_, argv, code, message) => {
    const [filesBefore, yamlBefore, before] = [files(), yaml(), learnt(out)];
    const ended = await resume(out, ...argv);
    expect(ended.err).toContain(message);
    expect(ended.code).toBe(code);
    expect([files(), yaml(), learnt(out)]).toEqual([filesBefore, yamlBefore, before]);
  });

  test('no run in the folder', async () => {
    const ended = await resume(join(folder.path, 'missing'));
    expect(ended).toMatchObject({
      code: 1,
      err: expect.stringContaining('holds no run.yaml, so there is no run to resume'),
    });
    expect(existsSync(join(folder.path, 'missing'))).toBe(false);
  });

  test('a damaged checkpoint is named, and without it the one before is used', async () => {
    const newest = join(out, 'checkpoints', 'step-00000004');
    truncateSync(join(newest, 'model.safetensors'), 200);
    const ended = await resume(out, '--steps', '5');
    expect(ended.code).toBe(1);
    expect(ended.err).toContain(`, or delete ${newest} to go on from the checkpoint before it`);
    rmSync(newest, { recursive: true });
    expect((await resume(out, '--steps', '5')).code).toBe(0);
    expect(metricsOf(out).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
  });

  test('a wrong line in run.yaml is named', async () => {
    writeFileSync(join(out, 'run.yaml'), `${yaml()}colour: red\n`);
    const line = yaml().trim().split('\n').length;
    const ended = await resume(out, '--steps', '6');
    expect(ended).toMatchObject({
      code: 2,
      err: expect.stringContaining(`[${join(out, 'run.yaml')}:${line}] there is no setting "colour"`),
    });
  });
});

test('a run that was killed before its first checkpoint begins again', async () => {
  const [out, whole] = [fresh(), fresh()];
  await train(whole, '--steps', '5');
  await train(out, '--steps', '5');
  rmSync(join(out, 'checkpoints'), { recursive: true });
  const ended = await resume(out);
  expect(ended.out).toContain('the run has no checkpoint yet: it begins again');
  expect(learnt(out)).toEqual(learnt(whole));
});

test('a learning rate that is far too large stops the run, names the place and keeps what was good', async () => {
  const out = fresh();
  const ended = await train(
    out,
    '--steps',
    '50',
    '--learning-rate',
    '1e300',
    '--clip',
    '0',
    '--warmup',
    '0',
    '--save-every',
    '1',
  );
  expect(ended.code).toBe(1);
  expect(ended.err).toMatch(
    /^\[train\] step \d+: .*(weight|values at|gradient|infinite or NaN).*lower the learning rate or clip more\n$/,
  );
  const json = await train(fresh(), '--steps', '50', '--learning-rate', '1e300', '--clip', '0', '--json');
  expect(JSON.parse(json.err.trim().split('\n').at(-1)!)).toMatchObject({
    code: new NonFiniteError('', '').code,
  });
});

test('Ctrl-C stops after the step, saves, and prints what goes on', async () => {
  const out = fresh();
  const whole = fresh();
  await train(whole, '--steps', '12');
  const running = train(out, '--steps', '12');
  const seen = setInterval(() => {
    if (!existsSync(join(out, 'metrics.jsonl'))) return;
    clearInterval(seen);
    process.emit('SIGINT', 'SIGINT');
  }, 1);
  const ended = await running;
  clearInterval(seen);
  expect(ended.code).toBe(130);
  expect(ended.out).toContain('stopping after this step and saving; once more stops without saving');
  const step = metricsOf(out).length;
  expect(ended.out).toContain(`stopped after step ${step}, saved; go on with`);
  expect(ended.out).toContain(`train --resume ${out}`);
  expect(step).toBeLessThan(12);
  expect((await resume(out)).code).toBe(0);
  expect(learnt(out)).toEqual(learnt(whole));
});

test('Ctrl-C while the text is read leaves nothing', async () => {
  const out = fresh();
  const running = cli('train', '--device', 'reference', '--out', out);
  const seen = setInterval(() => {
    if (!existsSync(join(out, 'run.lock'))) return;
    clearInterval(seen);
    process.emit('SIGTERM', 'SIGTERM');
  }, 1);
  const ended = await running;
  expect(ended).toMatchObject({ code: 143, err: '' });
  expect(ended.out).toContain('stopped before the first step: there is nothing to save');
  expect(existsSync(out)).toBe(false);
});

function writeOther(): string {
  const path = join(folder.path, 'other.txt');
  writeFileSync(path, 'Other words, and many of them. '.repeat(300));
  return path;
}
