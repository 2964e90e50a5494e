import { PRESETS } from '@qsparse/scaling';
import { describe, expect, test } from 'vitest';
import { type Chart, chartSvg } from '../../src/chart/figure.ts';
import { lawCharts } from '../../src/scaling/law-charts.ts';

const axis = { label: 'x', format: String };
const chart = (more: Partial<Chart> = {}): Chart => ({
  title: 'T',
  x: axis,
  y: axis,
  series: [
    {
      label: 'one',
      kind: 'line',
      color: 0,
      points: [
        [0, 1],
        [10, 3],
      ],
    },
  ],
  ...more,
});
/** Whether every element that is opened is closed, and no number is missing. */
function wellFormed(svg: string): boolean {
  const open: string[] = [];
  for (const [, closing, name, selfClosing] of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
    if (closing) {
      if (open.pop() !== name) return false;
    } else if (!selfClosing) open.push(name!);
  }
  return open.length === 0 && !/NaN|Infinity|undefined/.test(svg);
}

describe('charts', () => {
  test('the curve rises where the values do, ticks are round, texts are escaped', () => {
    const svg = chartSvg(chart({ title: 'a < b & "c"' }));
    expect(wellFormed(svg)).toBe(true);
    expect(svg).toContain('a &lt; b &amp; &quot;c&quot;');
    const [, x1, y1, x2, y2] = /class="line c0" d="M([\d.]+),([\d.]+)L([\d.]+),([\d.]+)"/
      .exec(svg)!
      .map(Number);
    expect(x2).toBeGreaterThan(x1!);
    expect(y2).toBeLessThan(y1!);
    for (const tick of ['2', '4', '6', '8']) expect(svg).toContain(`text-anchor="middle">${tick}</text>`);
  });

  test('dots, bands, dashes and a marker; one point and a flat line too', () => {
    const svg = chartSvg(
      chart({
        series: [
          { label: 'd', kind: 'dots', color: 1, points: [[1, 2]] },
          {
            label: 'b',
            kind: 'band',
            color: 0,
            points: [
              [1, 3],
              [2, 4],
            ],
            low: [1, 2],
          },
          {
            label: 'hidden',
            kind: 'dashed',
            color: 2,
            points: [
              [1, 2],
              [2, 2],
            ],
            listed: false,
          },
        ],
        marker: { x: 1.5, label: 'here' },
      }),
    );
    expect(wellFormed(svg)).toBe(true);
    expect(svg).toContain('<circle class="dot f1"');
    expect(svg).toContain('here');
    expect(svg).not.toContain('hidden');
    const flat = chartSvg(
      chart({
        series: [
          {
            label: 'f',
            kind: 'line',
            color: 0,
            points: [
              [1, 2],
              [1, 2],
            ],
          },
        ],
      }),
    );
    expect(wellFormed(flat)).toBe(true);
  });

  test('logarithmic ticks are powers of ten, with 2 and 5 where there are few', () => {
    const of = (points: [number, number][]) =>
      chartSvg(
        chart({ x: { ...axis, scale: 'log' }, series: [{ label: 's', kind: 'line', color: 0, points }] }),
      );
    expect(
      of([
        [1e6, 1],
        [1e9, 2],
      ]),
    ).toMatch(/>1000000<.*>1000000000</s);
    expect(
      of([
        [1e6, 1],
        [1e7, 2],
      ]),
    ).toMatch(/>2000000<.*>5000000</s);
  });

  test('has colours for light and dark', () => {
    expect(chartSvg(chart())).toContain('@media(prefers-color-scheme:dark)');
  });
});

describe('charts of a law', () => {
  const { law } = PRESETS['paper-printed'];

  test('of constants alone: three, with S* marked', () => {
    const charts = lawCharts({ name: 'paper-printed', law, points: [] });
    expect(Object.keys(charts)).toEqual(['loss-over-sparsity', 'loss-over-size', 'optimum']);
    expect(charts.optimum!.marker).toEqual({ x: expect.closeTo(0.50238, 5), label: 'S* = 50.24 %' });
    for (const one of Object.values(charts)) expect(wellFormed(chartSvg(one))).toBe(true);
  });

  test('with points: fitted against measured, at most six lines, dots of what was measured', () => {
    const points = Array.from({ length: 9 }, (_, i) => ({
      parameters: 1e6 * (i + 1),
      sparsity: i / 10,
      loss: 3 - i / 10,
    }));
    const charts = lawCharts({ name: 'full', law, points });
    expect(charts.fitted!.series[1]!.points).toHaveLength(9);
    expect(charts['loss-over-size']!.series.filter(({ kind }) => kind === 'line')).toHaveLength(6);
    for (const one of Object.values(charts)) expect(wellFormed(chartSvg(one))).toBe(true);
  });
});
