import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { referenceDevice } from '@qsparse/core/reference';
import { afterAll, expect, test } from 'vitest';
import { timeDecode } from '../../src/bench/decode.ts';
import { cli, temporaryFolder } from '../run-cli.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

test.each([
  ['ternary', 1 / 4],
  ['f32', 4],
] as const)(
  '%s: every form and sparsity has a row; fewer channels are fewer bytes',
  async (weights, size) => {
    const device = referenceDevice();
    const { rows, layers, headMilliseconds } = await timeDecode(device, {
      ...{ shape: '1M', weights, layers: 1, sparsities: [0, 0.75], tokens: 3 },
    });
    // A ternary model has no other form.
    const others = weights === 'ternary' ? [] : [['weights', 0]];
    expect(rows.map(({ form, sparsity }) => [form, sparsity])).toEqual([
      ...others,
      ['packed', 0],
      ['packed', 0.75],
    ]);
    const parameters = 4 * 128 * 128 + 3 * 128 * 344;
    expect(rows.map(({ megabytes }) => Math.round(1e6 * megabytes))).toEqual([
      ...others.map(() => 4 * parameters),
      size * parameters,
      (size * parameters) / 4,
    ]);
    expect(rows.at(-2)!.speedup).toBe(1);
    for (const { low, milliseconds, high, tokensPerSecond } of rows) {
      expect(low).toBeLessThanOrEqual(milliseconds);
      expect(milliseconds).toBeLessThanOrEqual(high);
      expect(tokensPerSecond).toBeCloseTo(1000 / milliseconds, 9);
    }
    expect([layers, headMilliseconds > 0]).toEqual([1, true]);
    expect(device.memory()).toMatchObject({ count: 0, programs: 0 });
  },
);

test('the command prints a table, or a line for machines, and names what it does not take', async () => {
  const run = (...argv: readonly string[]) =>
    cli('bench', 'decode', '--device', 'cpu', '--threads', '1', '--layers', '1', '--tokens', '3', ...argv);
  const table = await run('--sparsities', '0,0.5', '--weights', 'bf16');
  expect(table).toMatchObject({ code: 0, err: '' });
  expect(table.out).toMatch(/^1M bf16, 1 layers, 1 threads; the head takes [\d.]+ ms of each token\nform/);
  expect(table.out.trim().split('\n')).toHaveLength(6);
  expect(table.out).toMatch(/most memory of the process so far: \d+ MB\n$/);
  const { shape, rows } = JSON.parse((await run('--sparsities', '0.5', '--json')).out);
  expect([shape, rows.length]).toEqual(['1M', 1]);
  const { otherMegabytes } = JSON.parse((await run('--vocabulary', 'int8', '--json')).out);
  // A byte a weight and a scale a row, and the keys and values of four tokens in one layer.
  expect(otherMegabytes).toBeCloseTo((512 * (128 + 4) + 4 * 2 * 4 * 128) / 1e6, 9);
  for (const bad of ['1', '-0.1', 'x', '0.5,'])
    expect(await run('--sparsities', bad)).toMatchObject({
      code: 2,
      err: expect.stringContaining('--sparsities'),
    });
  expect(await cli('bench', 'nothing')).toMatchObject({ code: 2, err: expect.stringContaining('or decode') });
});

test('prompts and several texts at once have rows, and threads and kinds of weights a model each', async () => {
  const chart = join(folder.path, 'curve.svg');
  const { code, out, err } = await cli(
    ...['bench', 'decode', '--device', 'cpu', '--json', '--threads', '1,2', '--weights', 'ternary,f32'],
    ...['--layers', '1', '--tokens', '3', '--prefill', '16', '--batches', '1,3', '--sparsities', '0,0.5'],
    ...['--chart', chart],
  );
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const results = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(results.map(({ weights, threads }) => [weights, threads])).toEqual([
    ['ternary', 1],
    ['ternary', 2],
    ['f32', 1],
    ['f32', 2],
  ]);
  for (const { prefill, batches, peakMegabytes, otherMegabytes } of results) {
    expect(prefill).toMatchObject({ tokens: 16 });
    expect(prefill.best).toBeGreaterThanOrEqual(prefill.median);
    expect(
      batches.map(({ batch, sparsity }: { batch: number; sparsity: number }) => [batch, sparsity]),
    ).toEqual([
      [1, 0],
      [1, 0.5],
      [3, 0],
      [3, 0.5],
    ]);
    expect(batches[2]).toMatchObject({ speedup: 1 });
    expect(batches[3].speedup).toBeCloseTo(batches[3].tokensPerSecond / batches[2].tokensPerSecond, 9);
    expect(peakMegabytes).toBeGreaterThan(20);
    expect(otherMegabytes).toBeGreaterThan(0.2);
  }
  const svg = readFileSync(chart, 'utf8');
  // Two panels, each with four models and their ideals.
  expect(svg.match(/class="line/g)).toHaveLength(2 * 4 * 4);
  expect(svg).toContain('1M ternary, 2T');
  expect(svg).not.toMatch(/NaN|undefined/);
});
