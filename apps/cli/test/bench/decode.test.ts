import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { timeDecode } from '../../src/bench/decode.ts';
import { cli } from '../run-cli.ts';

test('every form and sparsity has a row; fewer channels are fewer bytes', async () => {
  const device = referenceDevice();
  const { rows, layers, headMilliseconds } = await timeDecode(device, {
    ...{ shape: '1M', weights: 'ternary', layers: 1, sparsities: [0, 0.75], tokens: 3 },
  });
  expect(rows.map(({ form, sparsity }) => [form, sparsity])).toEqual([
    ['weights', 0],
    ['packed', 0],
    ['packed', 0.75],
  ]);
  const parameters = 4 * 128 * 128 + 3 * 128 * 344;
  expect(rows.map(({ megabytes }) => Math.round(1e6 * megabytes))).toEqual([
    4 * parameters,
    parameters / 4,
    parameters / 16,
  ]);
  expect(rows[1]!.speedup).toBe(1);
  for (const { low, milliseconds, high, tokensPerSecond } of rows) {
    expect(low).toBeLessThanOrEqual(milliseconds);
    expect(milliseconds).toBeLessThanOrEqual(high);
    expect(tokensPerSecond).toBeCloseTo(1000 / milliseconds, 9);
  }
  expect([layers, headMilliseconds > 0]).toEqual([1, true]);
  expect(device.memory()).toMatchObject({ count: 0, programs: 0 });
});

test('the command prints a table, or a line for machines, and names what it does not take', async () => {
  const run = (...argv: readonly string[]) =>
    cli('bench', 'decode', '--device', 'cpu', '--threads', '1', '--layers', '1', '--tokens', '3', ...argv);
  const table = await run('--sparsities', '0,0.5', '--weights', 'bf16');
  expect(table).toMatchObject({ code: 0, err: '' });
  expect(table.out).toMatch(/^1M bf16, 1 layers, 1 threads; the head takes [\d.]+ ms of each token\nform/);
  expect(table.out.trim().split('\n')).toHaveLength(5);
  const { shape, rows } = JSON.parse((await run('--sparsities', '0.5', '--json')).out);
  expect([shape, rows.length]).toEqual(['1M', 2]);
  for (const bad of ['1', '-0.1', 'x', '0.5,'])
    expect(await run('--sparsities', bad)).toMatchObject({
      code: 2,
      err: expect.stringContaining('--sparsities'),
    });
  expect(await cli('bench', 'nothing')).toMatchObject({ code: 2, err: expect.stringContaining('or decode') });
});
