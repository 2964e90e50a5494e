import type { StepEntry } from '@qsparse/training';
import { expect, test } from 'vitest';
import { createProgress } from '../../src/train/progress.ts';
import { capturedOutput } from '../run-cli.ts';

const step = (n: number, more: Partial<StepEntry> = {}): StepEntry => ({
  step: n,
  loss: 5.4321,
  learningRate: 0.002,
  gradientNorm: 1.234,
  tokensPerSecond: 1000,
  tokens: 100 * n,
  sparsity: 0.6,
  ...more,
});

test('plain: the first and the last step, those that validate, and one every five seconds', () => {
  const output = capturedOutput();
  let time = 0;
  const progress = createProgress(output, { json: false, totalSteps: 100, now: () => time });
  progress.step(step(1));
  expect(output.out).toBe(
    'step   1/100  loss 5.432  lr 2.0e-3  1,000 tokens/s  10 s left  norm 1.23  sparsity 60 %\n',
  );
  output.out = '';
  progress.step(step(2));
  progress.step(step(3, { validationLoss: 5.1 }));
  time = 4999;
  progress.step(step(4));
  time = 5000;
  progress.step(step(5));
  progress.step(step(100));
  expect(output.out.match(/step +\d+/g)).toEqual(['step   3', 'step   5', 'step 100']);
  expect(output.out).toContain('loss 5.432  validation 5.100  lr');
});

test('a terminal: one live line, never wider than the screen, that others push down', () => {
  const output = capturedOutput({ isTerminal: true, columns: 40 });
  const progress = createProgress(output, { json: false, totalSteps: 3 });
  progress.step(step(1));
  progress.step(step(2));
  expect(
    output.out
      .split('\r\x1b[2K')
      .slice(1)
      .map((line) => line.length),
  ).toEqual([39, 39]);
  output.out = '';
  progress.report('sample', {}, 'one', 'two');
  expect(output.out).toBe('\r\x1b[2Kone\ntwo\n');
  output.out = '';
  progress.step(step(3));
  progress.end();
  progress.end();
  expect(output.out.endsWith('\n')).toBe(true);
  expect(output.out.match(/\n/g)).toHaveLength(1);
});

test('JSON: objects on standard output, words on standard error', () => {
  const output = capturedOutput();
  const progress = createProgress(output, { json: true, totalSteps: 3 });
  progress.note('a word');
  progress.step(step(1));
  progress.report('done', { step: 1 }, 'for people');
  progress.end();
  expect(output.err).toBe('a word\n');
  expect(
    output.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([
    { event: 'step', ...step(1) },
    { event: 'done', step: 1 },
  ]);
});

test('the time that is left', () => {
  const left = (tokensPerSecond: number, totalSteps: number) => {
    const output = capturedOutput();
    createProgress(output, { json: false, totalSteps }).step(step(1, { tokensPerSecond }));
    return / {2}(\d[\dhmins ]*) left/.exec(output.out)?.[1]?.trim();
  };
  expect(left(100, 60)).toBe('59 s');
  expect(left(100, 91)).toBe('1 min 30 s');
  expect(left(100, 7322)).toBe('2 h 2 min');
});

test('how much of the device is used, where its peak is known: of the speed that is shown', () => {
  const output = capturedOutput();
  const progress = createProgress(output, { json: false, totalSteps: 2 });
  progress.step(step(1, { mfu: 0.4 }));
  progress.step(step(2, { mfu: 0.2, tokensPerSecond: 500 }));
  expect(output.out.match(/[\d,]+ tokens\/s {2}MFU [\d.]+ %/g)).toEqual([
    '1,000 tokens/s  MFU 40.0 %',
    '950 tokens/s  MFU 38.0 %',
  ]);
});

test('a step without a sparsity does not invent one', () => {
  const output = capturedOutput();
  const { sparsity: _, ...rest } = step(1);
  createProgress(output, { json: false, totalSteps: 1 }).step(rest);
  expect(output.out).not.toContain('sparsity');
});
