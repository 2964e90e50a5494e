import { expect, test } from 'vitest';
import { lineChart } from '../../src/chart/line-chart.ts';

const LABELS = { title: 'Loss', xLabel: 'step', yLabel: 'nats' };
const pathsOf = (svg: string) => [...svg.matchAll(/ d="(M[^"]*)"\/>$/gm)].map((match) => match[1]!);

test('draws each series from corner to corner of the frame', () => {
  const points = [
    [0, 4],
    [10, 2],
  ] as const;
  const svg = lineChart([{ name: 'a run', points }], LABELS);
  expect(svg).toContain('aria-label="Loss"');
  expect(svg).toContain('>a run</text>');
  expect(svg).toContain('d="M58 26L448 240"');
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});

test('breaks a line where there is no number, and a logarithmic one at 0', () => {
  const points = [
    [0, 1],
    [1, 10],
    [2, Number.NaN],
    [3, 0],
    [4, 100],
    [5, 1000],
  ] as const;
  const linear = pathsOf(lineChart([{ name: '', points }], LABELS)).at(-1)!;
  const log = pathsOf(lineChart([{ name: '', points }], { ...LABELS, yScale: 'log' })).at(-1)!;
  expect([linear.match(/M/g)?.length, linear.match(/L/g)?.length]).toEqual([2, 3]);
  expect([log.match(/M/g)?.length, log.match(/L/g)?.length]).toEqual([2, 2]);
});

test('names with markup stay text; an empty chart is a chart', () => {
  const svg = lineChart([{ name: '<b>"x"&', points: [[1, 1]], form: 'points' }], LABELS);
  expect(svg).toContain('&lt;b&gt;&quot;x&quot;&amp;');
  expect(svg).toContain('<circle');
  expect(lineChart([], LABELS)).toMatch(/^<svg[\s\S]*<\/svg>$/);
});

test('the legend leaves out pale series and can be left out', () => {
  const series = [
    { name: 'raw', points: [[0, 1]], form: 'faint' },
    { name: 'mean', points: [[0, 1]] },
  ] as const;
  expect(lineChart(series, LABELS)).not.toContain('>raw<');
  expect(lineChart(series, LABELS)).toContain('>mean<');
  expect(lineChart(series, { ...LABELS, legend: false })).not.toContain('>mean<');
});
