/** Runs beside each other as one HTML page that needs nothing but itself. */
import { escapeText } from '../chart/escape-text.ts';
import { CHART_STYLE, COLORS, lineChart, type Series } from '../chart/line-chart.ts';
import { curveOf, kindSeries, lastByPlace, noisySeries, plainSeries } from './curves.ts';
import type { Run } from './read-runs.ts';

const STYLE = `
:root { color-scheme: light dark } body { font: 14px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 88rem; padding: 0 1rem }
h1 { font-size: 1.3rem } h2 { font-size: 1.05rem; margin-top: 2rem } .charts { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(26rem, 1fr)) }
table { border-collapse: collapse } th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #8884 } th:first-child, td:first-child { text-align: left }
td.text { text-align: left } .mark { display: inline-block; width: .8em; height: .8em; border-radius: 50%; margin-right: .5em } .wide { overflow-x: auto }
${CHART_STYLE}`.trim();

export function reportPage(runs: readonly Run[]): string {
  const names = runs.map(({ name }) => name).join(', ');
  const charts = chartsOf(runs);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Runs: ${escapeText(names)}</title>
<style>
${STYLE}
</style>
</head>
<body>
<h1>Training runs</h1>
<div class="wide">${summaryTable(runs)}</div>
<h2>Settings ${runs.length > 1 ? 'that differ' : ''}</h2>
<div class="wide">${settingsTable(runs)}</div>
<h2>Curves</h2>
<div class="charts">
${charts.map((chart) => `<div>${chart}</div>`).join('\n')}
</div>
</body>
</html>
`;
}

function chartsOf(runs: readonly Run[]): readonly string[] {
  const over = (
    title: string,
    yLabel: string,
    series: readonly Series[],
    yScale: 'linear' | 'log' = 'linear',
    xLabel = 'step',
  ) => (series.length > 0 ? [lineChart(series, { title, xLabel, yLabel, yScale })] : []);
  return [
    ...over('Loss', 'nats a token', noisySeries(runs, 'loss')),
    ...over('Validation loss', 'nats a token', plainSeries(runs, 'validationLoss')),
    ...over('Bits per byte, validation', 'bits', plainSeries(runs, 'bitsPerByte')),
    ...over('Gradient norm', 'norm', noisySeries(runs, 'gradientNorm'), 'log'),
    ...over('Learning rate', 'rate', plainSeries(runs, 'learningRate')),
    ...over('Speed', 'tokens a second', noisySeries(runs, 'tokensPerSecond')),
    ...over('Use of the device (MFU)', 'share of its peak', noisySeries(runs, 'mfu')),
    ...over('Sparsity asked for', 'share left out', plainSeries(runs, 'sparsity')),
    ...over('Gradient norm by layer', 'norm', lastByPlace(runs, 'gradientNorms'), 'log', 'layer'),
    ...runs.flatMap((run) => [
      ...over(`Gradient norm by layer, ${run.name}`, 'norm', kindSeries(run, 'gradientNorms'), 'log'),
      ...over(`Zeros by site, ${run.name}`, 'share', kindSeries(run, 'siteSparsity')),
    ]),
  ];
}

function summaryTable(runs: readonly Run[]): string {
  const rows = runs.map((run, i) => {
    const last = run.entries.at(-1)!;
    const lowest = (name: string) => Math.min(...curveOf(run, name).map(([, y]) => y));
    const final = (name: string) => curveOf(run, name).at(-1)?.[1];
    const speeds = curveOf(run, 'tokensPerSecond').map(([, y]) => y);
    const cells = [
      `${last.step}`,
      number(final('tokens'), 0),
      number(final('loss'), 4),
      number(final('validationLoss'), 4),
      number(lowest('validationLoss'), 4),
      number(final('bitsPerByte'), 4),
      number(median(speeds), 0),
    ];
    const mark = `<span class="mark" style="background:${COLORS[i % COLORS.length]}"></span>`;
    return `<tr><td>${mark}${escapeText(run.name)}</td>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  });
  const heads = [
    'run',
    'steps',
    'tokens',
    'last loss',
    'validation',
    'its lowest',
    'bits per byte',
    'tokens/s',
  ];
  return `<table><tr>${heads.map((head) => `<th>${head}</th>`).join('')}</tr>${rows.join('')}</table>`;
}

/** Of several runs what tells them apart, of one run all. */
function settingsTable(runs: readonly Run[]): string {
  const keys = [...new Set(runs.flatMap(({ settings }) => Object.keys(settings)))];
  const settingOf = ({ settings }: Run, key: string) =>
    key in settings ? JSON.stringify(settings[key]) : '';
  const shown = keys.filter(
    (key) => runs.length === 1 || new Set(runs.map((run) => settingOf(run, key))).size > 1,
  );
  if (shown.length === 0) return '<p>They all have the same settings.</p>';
  const head = `<tr><th>setting</th>${runs.map(({ name }) => `<th>${escapeText(name)}</th>`).join('')}</tr>`;
  const rows = shown.map(
    (key) =>
      `<tr><td>${escapeText(key)}</td>${runs.map((run) => `<td class="text">${escapeText(settingOf(run, key))}</td>`).join('')}</tr>`,
  );
  return `<table>${head}${rows.join('')}</table>`;
}

function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function number(value: number | undefined, digits: number): string {
  if (value === undefined || !Number.isFinite(value)) return '';
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
