import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileError } from '@qsparse/formats/node';
import type { StepEntry } from '@qsparse/training';
import { metricsFile } from '@qsparse/training/node';
import { afterAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'metrics-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const step = (n: number): StepEntry => ({
  step: n,
  loss: 5 - n,
  learningRate: 0.1,
  gradientNorm: 1,
  tokensPerSecond: 10,
  tokens: 8 * n,
});

test('one line a step; the losses come back', async () => {
  const path = join(folder, 'a.jsonl');
  const metrics = metricsFile(path);
  expect(await metrics.losses()).toEqual([]);
  await metrics.step(step(1));
  await metrics.step(step(2));
  expect(readFileSync(path, 'utf8')).toBe(`${JSON.stringify(step(1))}\n${JSON.stringify(step(2))}\n`);
  expect(await metrics.losses()).toEqual([4, 3]);
});

test('rewound: later steps and half a line go, earlier ones stay', async () => {
  const path = join(folder, 'b.jsonl');
  const metrics = metricsFile(path);
  await metrics.rewind(3); // there is nothing yet
  for (const n of [1, 2, 3, 4, 5]) await metrics.step(step(n));
  appendFileSync(path, '{"step":6,"lo');
  await metrics.rewind(3);
  expect(await metrics.losses()).toEqual([4, 3, 2]);
  await metrics.step(step(4));
  expect(await metrics.losses()).toEqual([4, 3, 2, 1]);
  await metrics.rewind(0);
  expect(readFileSync(path, 'utf8')).toBe('');
});

test('lines of others are no steps', async () => {
  const path = join(folder, 'c.jsonl');
  writeFileSync(path, `{"note":"mine"}\nnull\n${JSON.stringify(step(1))}\n`);
  expect(await metricsFile(path).losses()).toEqual([4]);
});

test('a file that cannot be written is named', async () => {
  const metrics = metricsFile(join(folder, 'missing', 'm.jsonl'));
  await expect(metrics.step(step(1))).rejects.toThrow(FileError);
  await expect(metrics.step(step(1))).rejects.toThrow(`[metrics] ${join(folder, 'missing', 'm.jsonl')}`);
  if (process.platform === 'linux')
    await expect(metricsFile('/dev/full').step(step(1))).rejects.toThrow(
      'the disk is full (ENOSPC); free some space',
    );
});
