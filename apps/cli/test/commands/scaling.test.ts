import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lossAt } from '@qsparse/scaling';
import { afterAll, describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli.ts';
import { readPoints } from '../../src/scaling/measured-points.ts';
import { capturedOutput, cli, temporaryFolder, writeText } from '../run-cli.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const LAW = { E: 1.7, B: 0, C: 1.2, alpha: 0.3, beta: 0.2, unit: 1e8 };
const table = join(folder.path, 'points.csv');
function writeTable(change: (lines: string[]) => string[] = (lines) => lines): void {
  const lines = ['variant,parameters,sparsity,loss'];
  for (const variant of ['full', 'ternary'])
    for (const parameters of [1e6, 1e7, 1e8, 1e9])
      for (const sparsity of [0, 0.3, 0.5, 0.7])
        lines.push(
          `${variant},${parameters},${sparsity},${lossAt(LAW, { parameters, sparsity }) + (variant === 'full' ? 0 : 0.1)}`,
        );
  writeFileSync(table, change(lines).join('\n'));
}
writeTable();

describe('qsparse scaling fit', () => {
  test('fits each variant, with intervals', async () => {
    const { code, out } = await cli('scaling', 'fit', table, '--fix', 'B=0', '--resamples', '10');
    expect(code).toBe(0);
    expect(out).toMatch(
      /^full: L\(N, S\) = .*16 points\n {2}E {3}1\.7 +95 % 1\.7 to 1\.7\n {2}B {3}0 +fixed\n/,
    );
    expect(out).toContain('\nternary: ');
    expect(out).toMatch(/S\* {2}33\.33 %/);
    expect(out).toContain('explains 100.00 % of its variance');
  });

  test('with --json one object a variant, every point with its row', async () => {
    const { out } = await cli('scaling', 'fit', table, '--json', '--resamples', '10', '--by', 'variant');
    const [full, ternary] = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(full).toMatchObject({
      group: 'full',
      law: { E: expect.closeTo(1.7, 2) },
      optimum: { sparsity: expect.closeTo(1 / 3, 2) },
    });
    expect(full.intervals).not.toHaveProperty('laws');
    expect(ternary.points[0]).toMatchObject({ place: `${table}, row 18`, fitted: expect.any(Number) });
  });

  test.each([
    [
      'a loss that is no number',
      (lines: string[]) => lines.with(4, 'full,1e6,0.7,oops'),
      ', row 5: loss must be a number, got "oops"',
    ],
    [
      'an impossible sparsity',
      (lines: string[]) => lines.with(4, 'full,1e6,1.7,3'),
      ', row 5: sparsity must be at least 0 and below 1, got 1.7',
    ],
    [
      'a loss of zero',
      (lines: string[]) => lines.with(6, 'full,1e7,0.3,0'),
      ', row 7: loss must be a number above 0, got 0',
    ],
    [
      'too few rows',
      (lines: string[]) => lines.slice(0, 5),
      ' (full): at least 6 points are required for 5 constants, got 4',
    ],
    [
      'one size',
      (lines: string[]) => lines.map((line) => line.replace(/1000000+|1e\d/, '1e6')),
      ' (full): at least 3 different sizes are required, got 1 (1000000)',
    ],
    [
      'no such column',
      (lines: string[]) => lines.with(0, 'variant,n,sparsity,loss'),
      ', row 1: a column "parameters" is required, there are variant, n, sparsity, loss',
    ],
  ])('%s: file and row', async (_, change, message) => {
    writeTable(change);
    const { code, err } = await cli('scaling', 'fit', table);
    writeTable();
    expect([code, err]).toEqual([1, expect.stringContaining(`[scaling] ${table}${message}`)]);
  });

  test('wrong use', async () => {
    const of = async (...argv: string[]) => (await cli('scaling', ...argv)).err;
    expect(await of('fitt')).toContain(
      'say what to do: fit, optimum, plot, sweep, got "fitt"; did you mean fit?',
    );
    expect(await of('fit')).toContain('fit needs a table or run folders');
    expect(await of('fit', table, '--fix', 'Q=1')).toContain('--fix must be NAME=VALUE');
    expect(await of('plot', table, '--preset', 'paper-printed')).toContain('exclude each other');
    expect(await of('optimum', '--preset', 'paper-print')).toContain('did you mean paper-printed?');
    expect(await of('fit', join(folder.path, 'none.csv'))).toContain('there is no such file');
  });
});

describe('qsparse scaling optimum', () => {
  test('of the printed constants is 50.24 %, and says where 45.58 % come from', async () => {
    const { code, out } = await cli('scaling', 'optimum', '--preset', 'paper-printed', '--active', '7e9');
    expect(code).toBe(0);
    expect(out).toContain('S* = 50.24 %: N = 2.0096 N_active');
    expect(out).toContain('with 7.00B active parameters: N = 14.07B');
    expect(out).toContain(
      "they give 50.24 %; the paper's 45.58 % (full precision) and 61.25 % (1.58-bit weights) follow from constants that it does not print to enough digits",
    );
    expect(out).toMatch(/ {2}0\.60 +17\.50B +\d\.\d{4} +0\.26 %/);
  });

  test.each([
    ['paper-implied-full', '45.58 %'],
    ['paper-implied-ternary', '61.25 %'],
  ])('%s gives %s and says that it is ours', async (preset, percent) => {
    const { out } = await cli('scaling', 'optimum', '--preset', preset);
    expect(out).toContain(`S* = ${percent}`);
    expect(out).toContain(`${preset}: ours: β chosen so that`);
    expect(out).toContain('its printed constants give 50.24 %');
  });

  test('of a table, with an interval', async () => {
    const { out } = await cli('scaling', 'optimum', table, '--fix', 'B=0', '--resamples', '10', '--json');
    const { optimum, interval, curve } = JSON.parse(out.split('\n')[0]!);
    expect(optimum.sparsity).toBeCloseTo(1 / 3, 3);
    expect(interval.low).toBeLessThanOrEqual(optimum.sparsity + 1e-6);
    expect(curve).toHaveLength(10);
  });
});

describe('qsparse scaling plot', () => {
  test('writes the charts of every variant', async () => {
    const out = join(folder.path, 'charts');
    const { code } = await cli('scaling', 'plot', table, '--out', out, '--resamples', '10');
    expect(code).toBe(0);
    expect(readdirSync(out).sort()).toEqual(
      ['fitted', 'loss-over-size', 'loss-over-sparsity', 'optimum'].flatMap((name) => [
        `${name}-full.svg`,
        `${name}-ternary.svg`,
      ]),
    );
    expect(readFileSync(join(out, 'optimum-full.svg'), 'utf8')).toMatch(
      /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg".*S\* = 33\.\d\d %.*resamples/s,
    );
  });
});

describe('qsparse scaling sweep', () => {
  const grid = join(folder.path, 'grid.yaml');
  const out = join(folder.path, 'sweep');
  writeText(folder.path);
  const write = (steps: number, sparsities = '[0, 0.5]') =>
    writeFileSync(
      grid,
      `data: text.txt\nsettings: { layers: 1, heads: 2, kv-heads: 1, feed-forward: 16, context: 8, batch: 2, steps: ${steps}, warmup: 1, tokenizer: byte, validation-batches: 2 }\nsizes: { s: { width: 8 }, m: { width: 16 } }\nsparsities: ${sparsities}\n`,
    );
  const sweep = (...argv: string[]) =>
    cli('scaling', 'sweep', grid, '--out', out, '--device', 'reference', ...argv);
  const file = join(out, 'sweep.csv');
  const rows = () => readFileSync(file, 'utf8').trim().split('\n').slice(1);

  test('stopped in the middle of a run it keeps what is finished, and goes on with the rest', async () => {
    write(4);
    const output = capturedOutput({ isTerminal: true });
    output.write = (text) => {
      if (text.includes('2/4') && text.includes('step 2')) process.emit('SIGINT', 'SIGINT');
    };
    const code = await runCli(['scaling', 'sweep', grid, '--out', out, '--device', 'reference'], output);
    expect(code).toBe(130);
    expect(output.out).toContain('what is finished is kept');
    expect(rows().map((row) => row.split(',')[0])).toEqual(['s-full-0-seed1']);

    const again = await sweep();
    expect(again.code).toBe(0);
    expect(again.out).toContain('4 runs, 1 of them finished');
    expect(again.out).toMatch(
      /2\/4 s-full-0\.5-seed1 {2}N \d+ {2}S 50\.00 % {2}loss \d\.\d{4} {2}\d\.\d{4} bits a byte/,
    );
    expect(rows()).toHaveLength(4);
    const [, , , , , parameters, , active, sparsity] = rows()[1]!.split(',').map(Number);
    expect([sparsity, active! / parameters!]).toEqual([0.5, 0.5]);
    const third = await sweep();
    expect(third.out).toContain('4 runs, 4 of them finished');
  });

  test('a run that was finished but not written down is measured, to the same numbers', async () => {
    const before = rows();
    writeFileSync(file, `${readFileSync(file, 'utf8').split('\n').slice(0, 4).join('\n')}\n`);
    expect((await sweep()).code).toBe(0);
    const numbers = (row: string) =>
      row
        .split(',')
        .slice(0, 12)
        .map((cell) =>
          cell === '' || Number.isNaN(Number(cell)) ? cell : Number(Number(cell).toPrecision(6)),
        );
    expect(rows().map(numbers)).toEqual(before.map(numbers));
  });

  test('its table and its runs can be fitted', async () => {
    const few = await cli('scaling', 'fit', file);
    expect(few.err).toContain('at least 6 points are required for 5 constants, got 4');
    const runs = readdirSync(join(out, 'runs')).map((name) => join(out, 'runs', name));
    expect((await cli('scaling', 'fit', ...runs)).err).toContain(
      'at least 6 points are required for 5 constants, got 4',
    );
  });

  test('its runs are the points of its table', async () => {
    const columns = { parameters: 'parameters', sparsity: 'sparsity', loss: 'loss', by: undefined };
    const pointsOf = async (...paths: string[]) =>
      (await readPoints(paths, columns)).flatMap(({ points }) => points).sort((a, b) => a.loss - b.loss);
    const runs = readdirSync(join(out, 'runs')).map((name) => join(out, 'runs', name));
    expect(await pointsOf(...runs)).toEqual(await pointsOf(file));
    rmSync(join(out, 'runs/m-full-0-seed1/metrics.jsonl'));
    await expect(pointsOf(join(out, 'runs/m-full-0-seed1'))).rejects.toThrow('metrics.jsonl');
  });

  test('other settings for a run that is there are refused, a damaged table is', async () => {
    write(5);
    rmSync(file);
    const other = await sweep();
    expect(other.code).toBe(1);
    expect(other.out).toContain(
      's-full-0-seed1 began with these settings, the sweep now says others; use another --out',
    );
    writeFileSync(file, 'a,b\n1,2\n');
    expect((await sweep()).err).toContain(`[scaling] ${file}, row 1: the columns of a sweep are required`);
  });

  test('a run that fails is said, the others are trained', async () => {
    const elsewhere = join(folder.path, 'failing');
    write(3, '[0]');
    const text = readFileSync(grid, 'utf8').replace('{ width: 16 }', '{ width: 16, context: 999999 }');
    writeFileSync(
      grid,
      text.replace(
        'sizes: { s: { width: 8 }, m: { width: 16, context: 999999 } }',
        'sizes: { m: { width: 16, context: 999999 }, s: { width: 8 } }',
      ),
    );
    const { code, out: said } = await cli(
      'scaling',
      'sweep',
      grid,
      '--out',
      elsewhere,
      '--device',
      'reference',
      '--json',
    );
    expect(code).toBe(1);
    const events = said
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ event }) => event)).toEqual(['sweep', 'failed', 'row', 'done']);
    expect(events[1]).toMatchObject({
      run: 'm-full-0-seed1',
      error: expect.stringContaining('needs 1000000'),
    });
    expect(existsSync(join(elsewhere, 'sweep.csv'))).toBe(true);
  });

  test('needs a file and a folder', async () => {
    expect((await cli('scaling', 'sweep', grid)).err).toContain('sweep takes one file and a folder');
  });
});
