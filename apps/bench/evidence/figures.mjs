// Figures of docs/evidence out of gradient-norms.csv and zeros.csv, drawn by the command line's own charts; those of the scaling law
// are what `qsparse scaling plot` draws. The command line must be built:
//   node apps/bench/evidence/figures.mjs
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readCsv } from './csv.mjs';

/** @typedef {import('./csv.mjs').Row} Row */

const { chartSvg } = await import(new URL('../../cli/dist/chart/figure.js', import.meta.url).href);
const docs = fileURLToPath(new URL('../../../docs/evidence/', import.meta.url));
const RUNS = {
  'straight-through': 'top-K, straight through',
  'no-straight-through': 'top-K, masked',
  relu: 'ReLU for top-K',
  dense: 'dense',
};
const MODEL = '14.2 M, full precision';

/** The steps of a comparison: the first that was looked at, and the last that all runs reached but for the dense one. */
for (const step of ['50', '600'])
  write(`gradients-${step}`, gradientChart(readCsv(join(docs, 'gradient-norms.csv')), step));
for (const run of ['straight-through', 'relu']) {
  const zeros = readCsv(join(docs, 'zeros.csv')).filter((row) => row.run === run);
  write(`zeros-${run}`, driftChart(zeros, `${RUNS[run]}; ${MODEL}, means of all blocks`));
}

/** @param {string} name @param {object} chart */
function write(name, chart) {
  writeFileSync(join(docs, 'figures', `${name}.svg`), chartSvg(chart));
  console.log(`figures/${name}.svg`);
}

/** Norms over the blocks, a line a run. @param {readonly Row[]} norms @param {string} step */
function gradientChart(norms, step) {
  const series = Object.entries(RUNS).map(([run, label], color) => ({
    label,
    kind: 'line',
    color,
    points: norms
      .filter((row) => row.run === run && row.step === step && row.place.startsWith('layers.'))
      .map(({ place, norm }) => [Number(place.slice('layers.'.length)), Number(norm)]),
  }));
  return {
    title: 'Gradient norms by layer',
    subtitle: `${MODEL}, step ${step}`,
    x: { label: 'layer, 0 the furthest from the loss', format: String },
    y: {
      label: 'norm of the gradient',
      scale: 'log',
      format: (value) => String(Number(value.toPrecision(2))),
    },
    series: series.filter(({ points }) => points.length > 0),
  };
}

/** Shares over steps, a line a site. @param {readonly Row[]} zeros of one run @param {string} subtitle */
function driftChart(zeros, subtitle) {
  const siteOf = ({ place }) => place.split('.').at(-1);
  const steps = [...new Set(zeros.map(({ step }) => step))];
  const series = [...new Set(zeros.map(siteOf))].map((site, color) => ({
    label: site,
    kind: 'line',
    color,
    points: steps.map((step) => {
      const rows = zeros.filter((row) => row.step === step && siteOf(row) === site);
      return [Number(step), rows.reduce((sum, row) => sum + Number(row.zeros), 0) / rows.length];
    }),
  }));
  return {
    title: 'Zeros among the inputs of linear layers',
    subtitle,
    x: { label: 'step', format: String },
    y: { label: 'zeros', format: (value) => `${Math.round(100 * value)} %` },
    series,
  };
}
