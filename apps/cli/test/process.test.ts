/** The command as a real process: kills, signals, pipes, several at once. It runs what is built, and builds it first. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { SMALL, temporaryFolder, writeText } from './run-cli.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const main = join(root, 'apps/cli/dist/main.js');
/** For a test that waits for processes and their disk. */
const SECONDS = 120;
const folder = temporaryFolder();
const text = writeText(folder.path);
const children = new Set<ChildProcess>();
beforeAll(() => {
  const tsc = join(root, 'node_modules/.bin/tsc');
  execFileSync(tsc, ['-b', 'apps/cli'], { cwd: root, shell: process.platform === 'win32' });
}, SECONDS * 1000);
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  folder.remove();
});

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; signal: string | null; out: string; err: string }>;
}

function start(...argv: readonly string[]): Running {
  return startWith(process.execPath, main, ...argv);
}

function startWith(program: string, ...argv: readonly string[]): Running {
  const child = spawn(program, argv, { cwd: folder.path, stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  let [out, err] = ['', ''];
  child.stdout!.on('data', (data) => (out += data));
  child.stderr!.on('data', (data) => (err += data));
  const ended = new Promise<Awaited<Running['ended']>>((resolve) => {
    child.on('close', (code, signal) => {
      children.delete(child);
      resolve({ code, signal, out, err });
    });
  });
  return { child, ended };
}

const train = (out: string, ...argv: string[]) =>
  start('train', ...SMALL, '--data', text, '--out', out, ...argv);
const resume = (out: string, ...argv: string[]) =>
  start('train', '--device', 'reference', '--resume', out, ...argv);
const learnt = (out: string): number[][] =>
  readFileSync(join(folder.path, out, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const { step, loss } = JSON.parse(line) as { step: number; loss: number };
      return [step, loss];
    });
/** Waits for what comes in a second, or in many where a disk takes its time to sync a checkpoint. */
const until = (what: () => boolean) => vi.waitUntil(what, { timeout: SECONDS * 900, interval: 5 });
let pairs = 0;
const hasCheckpoint = (out: string) => {
  const path = join(folder.path, out, 'checkpoints');
  return existsSync(path) && readdirSync(path).some((name) => name.startsWith('step-'));
};

test(
  'killed again and again at random moments, also inside a checkpoint: the run ends as if nothing had been',
  async () => {
    const options = ['--steps', '120', '--schedule', 'constant', '--sparsity-warmup', '90'];
    await killAgain((out, ...argv) => train(out, ...options, ...argv), {
      steps: 120,
      kills: 6,
      keeps: [],
      device: ['--device', 'reference'],
    });
  },
  SECONDS * 1000,
);

const CPU = ['--device', 'cpu', '--threads', '1'];
const rows = (name: string, row: (i: number) => object): string => {
  const path = join(folder.path, name);
  writeFileSync(path, Array.from({ length: 10 }, (_, i) => JSON.stringify(row(i))).join('\n'));
  return path;
};

test.each([
  ['examples with an adapter', ['--task', 'sft', '--lora-rank', '2'], []],
  ['preferences', ['--task', 'dpo'], ['reference.json']],
] as const)(
  'so does a run that starts from a model, on the CPU: %s',
  async (what, argv, keeps) => {
    const base = `base of ${what}`;
    expect((await train(base, ...CPU, '--context', '64', '--steps', '2').ended).code).toBe(0);
    const data = rows(`${what}.jsonl`, (i) => ({
      prompt: `Say ${i}`,
      completion: `yes ${i}`,
      chosen: `yes ${i}`,
      rejected: `no, ${i}`,
    }));
    const options = [
      ...CPU,
      '--init',
      base,
      '--data',
      data,
      '--batch',
      '2',
      '--steps',
      '60',
      '--sample-every',
      '0',
    ];
    await killAgain((out, ...more) => start('train', '--out', out, ...options, ...argv, ...more), {
      steps: 60,
      kills: 3,
      keeps,
      device: CPU,
    });
  },
  SECONDS * 1000,
);

async function killAgain(
  begin: (out: string, ...argv: string[]) => Running,
  {
    steps,
    kills,
    keeps,
    device,
  }: {
    readonly steps: number;
    readonly kills: number;
    readonly keeps: readonly string[];
    readonly device: readonly string[];
  },
): Promise<void> {
  const [wholeRun, killedRun] = [`whole-${++pairs}`, `killed-${pairs}`];
  const whole = begin(wholeRun);
  expect((await whole.ended).code).toBe(0);

  let running = begin(killedRun, '--save-every', '1');
  await until(() => hasCheckpoint(killedRun));
  for (let kill = 0; kill < kills; kill++) {
    // Nearly all of its time goes into checkpoints.
    await new Promise((resolve) => setTimeout(resolve, 40 + 100 * Math.random()));
    running.child.kill('SIGKILL');
    expect((await running.ended).err).toBe('');
    const before = hasCheckpoint(killedRun);
    expect(before).toBe(true);
    running = start('train', ...device, '--resume', killedRun);
    const lines = learnt(killedRun).length;
    await until(() => running.child.exitCode !== null || learnt(killedRun).length !== lines);
  }
  const last = await running.ended;
  expect({ code: last.code, err: last.err }).toEqual({ code: 0, err: '' });
  expect(learnt(killedRun)).toEqual(learnt(wholeRun));
  // What the kills left behind is gone.
  const left = readdirSync(join(folder.path, killedRun)).filter((name) => !name.startsWith('events.out'));
  expect(left.sort()).toEqual(['checkpoints', 'metrics.jsonl', ...keeps, 'run.yaml']);
  expect(readdirSync(join(folder.path, killedRun, 'checkpoints')).sort()).toEqual([
    `step-${String(steps - 1).padStart(8, '0')}`,
    `step-${String(steps).padStart(8, '0')}`,
  ]);
}

describe.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s', (signal, code) => {
  test(
    `saves, prints the line that goes on, exit code ${code}; that line works`,
    async () => {
      const out = `stopped-${signal}`;
      const running = train(out, '--steps', '100000');
      await until(() => existsSync(join(folder.path, out, 'metrics.jsonl')));
      running.child.kill(signal);
      const ended = await running.ended;
      expect(ended).toMatchObject({ code, err: '' });
      const [, step] =
        /stopped after step (\d+), saved; go on with\n {2}qsparse train --resume (\S+)\n/.exec(ended.out) ??
        [];
      expect(Number(step)).toBe(learnt(out).length);
      const more = await resume(out, '--steps', String(Number(step) + 2)).ended;
      expect(more).toMatchObject({ code: 0, err: '' });
      expect(learnt(out)).toHaveLength(Number(step) + 2);
    },
    SECONDS * 1000,
  );
});

test('of three that start in one folder at the same moment one trains, the others say why not', async () => {
  const all = await Promise.all([1, 2, 3].map(() => train('shared', '--steps', '40').ended));
  expect(all.map(({ code }) => code).sort()).toEqual([0, 1, 1]);
  for (const { code, err } of all) {
    if (code === 0) continue;
    expect(err).toMatch(/^\[train\] (a run is going on in shared|shared holds a run already).*\n$/);
  }
  expect(learnt('shared').map(([step]) => step)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
});

test('without --out each takes a folder of its own', async () => {
  const flags = [...SMALL, '--data', text, '--steps', '2'];
  const all = await Promise.all([1, 2].map(() => start('train', ...flags).ended));
  expect(all.map(({ code }) => code)).toEqual([0, 0]);
  expect(readdirSync(join(folder.path, 'runs')).sort()).toEqual(['tiny', 'tiny-2']);
});

test(
  'a reader that goes away stops the run in order',
  async () => {
    const running = train('piped', '--steps', '100000', '--json');
    await until(() => existsSync(join(folder.path, 'piped', 'metrics.jsonl')));
    running.child.stdout!.destroy();
    const ended = await running.ended;
    expect({ code: ended.code, signal: ended.signal }).toEqual({ code: 143, signal: null });
    expect(hasCheckpoint('piped')).toBe(true);
  },
  SECONDS * 1000,
);

test.skipIf(process.platform === 'win32')(
  'a checkpoint that does not fit: one line, the one before stays and goes on',
  async () => {
    const whole = train('fits', '--steps', '6', '--save-every', '2', '--schedule', 'constant');
    await whole.ended;
    const first = await train('limited', '--steps', '2', '--save-every', '2', '--schedule', 'constant').ended;
    expect(first.code).toBe(0);
    // A limit on the size of files stands in for a full disk: the system refuses in the middle of one.
    const shell = `ulimit -f 24; exec "$@"`;
    const again = ['train', '--device', 'reference', '--resume', 'limited', '--steps', '6'];
    const failed = await startWith('/bin/sh', '-c', shell, 'sh', process.execPath, main, ...again).ended;
    expect(failed.code).toBe(1);
    expect(failed.err).toMatch(
      /^\[write\] limited\/checkpoints\/step-00000004: .*\(EFBIG\), nothing was written; .*\n$/,
    );
    expect(failed.out).toContain(
      'the last checkpoint is intact; go on with\n  qsparse train --resume limited\n',
    );
    expect(readdirSync(join(folder.path, 'limited', 'checkpoints'))).toEqual(['step-00000002']);
    expect((await resume('limited').ended).code).toBe(0);
    expect(learnt('limited')).toEqual(learnt('fits'));
  },
);

test.runIf(existsSync('/dev/full'))('a full disk behind standard output is one line', async () => {
  const shell = '"$@" > /dev/full';
  const ended = await startWith('/bin/sh', '-c', shell, 'sh', process.execPath, main, '--help').ended;
  expect(ended).toMatchObject({ code: 1, out: '' });
  expect(ended.err).toMatch(/^\[qsparse\] standard output: ENOSPC.*nothing more can be printed\n$/);
});
