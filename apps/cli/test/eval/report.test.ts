import { describe, expect, test } from 'vitest';
import { resultTable, sparsityLine, sparsityOf } from '../../src/eval/report.ts';
import type { TaskResult } from '../../src/eval/run-task.ts';

const result = (more: Partial<TaskResult>): TaskResult => ({
  task: 'copa',
  file: 'f',
  items: 100,
  fewShot: 0,
  metrics: { acc: { value: 0.5, standardError: 0.05 } },
  cut: 0,
  seconds: 1,
  sparsity: undefined,
  ...more,
});

describe('the table', () => {
  test('has accuracies in percent, everything else as it is, large numbers short', () => {
    const perplexity = {
      perplexity: { value: 12.34567, standardError: undefined },
      acc: { value: 1, standardError: 0 },
    };
    const table = resultTable([
      result({}),
      result({ task: 'lambada', items: 7, fewShot: 2, metrics: perplexity }),
    ]);
    expect(table.split('\n')).toEqual([
      'task     items  shots  metric        value  std. error',
      'copa       100      0  acc           50.00      ± 5.00',
      'lambada      7      2  perplexity  12.3457',
      '                       acc          100.00      ± 0.00',
    ]);
    const huge = result({ metrics: { perplexity: { value: 2.5e7, standardError: 1e6 } } });
    expect(resultTable([huge])).toContain('2.500e+7');
  });
});

describe('sparsity', () => {
  const of = (tokens: number, overall: number, qkv: number) =>
    result({
      sparsity: { tokens, overall, sites: { 'layers.0.qkv': qkv, 'layers.0.o': 0, 'layers.1.qkv': 0.5 } },
    });

  test('of all tasks is weighted by tokens, and shown by kind of site', () => {
    const all = sparsityOf([of(100, 0.2, 0.1), result({}), of(300, 0.6, 0.5)])!;
    expect(all.tokens).toBe(400);
    expect(all.overall).toBeCloseTo(0.5, 12);
    expect(all.sites['layers.0.qkv']).toBeCloseTo(0.4, 12);
    expect(sparsityLine(all)).toBe(
      'sparsity   50.0 % of the inputs of linear layers are zero, weighted by parameters (qkv 45.0 %, o 0.0 %), on 400 tokens',
    );
  });

  test('is nothing where nothing was counted', () => {
    expect(sparsityOf([result({})])).toBeUndefined();
  });
});
