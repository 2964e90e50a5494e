/** `qsparse report` on run folders, whole and damaged. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { curveOf, kindSeries, smoothed, thinned } from '../../src/run-report/curves.ts';
import { readRuns } from '../../src/run-report/read-runs.ts';
import { cli } from '../run-cli.ts';

const root = mkdtempSync(join(tmpdir(), 'qsparse-report-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function makeRun(name: string, entries: readonly object[], settings = 'steps: 4\nsparsity: 0.6\n'): string {
  const path = join(root, name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'run.yaml'), settings);
  writeFileSync(join(path, 'metrics.jsonl'), entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  return path;
}
const step = (i: number, other: object = {}) => ({
  ...{
    step: i,
    loss: 5 - i / 10,
    learningRate: 0.001,
    gradientNorm: 1 + i,
    tokensPerSecond: 1000,
    tokens: 64 * i,
  },
  ...other,
});

test('writes one page with the runs, what tells them apart and their curves', async () => {
  const sites = { 'layers.0.qkv': 0.5, 'layers.1.qkv': 0.7, 'layers.0.down': 0.9 };
  const norms = { '0': 0.1, '1': 0.01 };
  const a = makeRun('a', [
    step(1),
    step(2, { validationLoss: 4.5, siteSparsity: sites, gradientNorms: norms }),
  ]);
  const b = makeRun('b', [step(1), step(2), step(3)], 'steps: 4\nsparsity: 0.4\n');
  const out = join(root, 'page.html');
  const ended = await cli('report', a, b, '--out', out);
  expect(ended).toEqual({ code: 0, out: `${out}: 2 runs; open it in a browser\n`, err: '' });
  const page = readFileSync(out, 'utf8');
  expect(page).toContain('<td>sparsity</td><td class="text">0.6</td><td class="text">0.4</td>');
  expect(page).not.toContain('<td>steps</td><td class="text">');
  for (const title of [
    'Loss',
    'Validation loss',
    'Gradient norm',
    'Learning rate',
    'Gradient norm by layer',
    'Zeros by site, a',
  ])
    expect(page).toContain(`aria-label="${title}"`);
  expect(page).not.toContain('Bits per byte, validation');
  expect(page).not.toMatch(/https?:\/\/(?!www\.w3\.org)|<script|NaN|undefined/);
});

test('a run that is cut in the middle of a line counts as far as it goes; a bad line inside is an error', async () => {
  const path = makeRun('cut', [step(1), step(2)]);
  writeFileSync(join(path, 'metrics.jsonl'), `${JSON.stringify(step(1))}\n{"step":2,"lo`);
  expect((await readRuns([path]))[0]!.entries).toHaveLength(1);
  writeFileSync(join(path, 'metrics.jsonl'), `nonsense\n${JSON.stringify(step(1))}\n`);
  const { code, err } = await cli('report', path, '--out', join(root, 'none.html'));
  expect(code).toBe(1);
  expect(err).toContain('metrics.jsonl:1: must be a step as JSON');
});

test.each([
  [[], 2, 'the run folders are missing'],
  [[join(root, 'nowhere')], 1, 'is no run folder: there is no run.yaml'],
  [[makeRun('empty', [])], 1, 'there is no step yet'],
  [[makeRun('list', [step(1)], '- 1\n')], 1, 'must hold settings'],
])('report %j', async (paths, expected, message) => {
  const { code, err } = await cli('report', ...paths, '--out', join(root, 'bad.html'));
  expect(code).toBe(expected);
  expect(err.trim().split('\n')).toEqual([expect.stringContaining(message)]);
});

test('runs of one name are told apart by their parents', async () => {
  const paths = [makeRun('x/run', [step(1)]), makeRun('y/run', [step(1)])];
  expect((await readRuns(paths)).map(({ name }) => name)).toEqual(['x/run', 'y/run']);
});

test('curves: thinning keeps means and the last step, smoothing begins at the first value', async () => {
  const points = Array.from({ length: 1000 }, (_, i) => [i + 1, i % 2] as const);
  const thin = thinned(points, 100);
  expect(thin).toHaveLength(100);
  expect(thin.every(([, y]) => y === 0.5)).toBe(true);
  expect(thin.at(-1)![0]).toBe(1000);
  expect(
    smoothed(
      [
        [1, 4],
        [2, Number.NaN],
        [3, 4],
      ],
      0.9,
    ).map(([, y]) => y),
  ).toEqual([4, Number.NaN, expect.closeTo(4, 9)]);
  const [run] = await readRuns([
    makeRun('kinds', [step(1, { siteSparsity: { 'layers.0.o': 0.2, 'layers.1.o': 0.4 } })]),
  ]);
  expect(kindSeries(run!, 'siteSparsity')).toEqual([{ name: 'o', points: [[1, expect.closeTo(0.3)]] }]);
  expect(curveOf(run!, 'validationLoss')).toEqual([]);
});
