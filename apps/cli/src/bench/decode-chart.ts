/**
 * The curve over sparsity as one SVG: tokens a second above, megabytes read for a token below, each beside the ideal, which
 * is the densest row's divided or multiplied by the share of inputs that stay.
 */
import { type Chart, chartSvg, type Series } from '../chart/figure.ts';
import type { DecodeResult, DecodeRow } from './decode.ts';

const HEIGHT = 440;
const WIDTH = 760;

/** @param device its description */
export function decodeChart(results: readonly DecodeResult[], device: string): string {
  const speed: Chart = {
    title: 'Decoding over sparsity: tokens a second',
    subtitle: device,
    x: { label: 'inputs left out, %', format: (value) => value.toFixed(0) },
    y: { label: 'tokens/s', scale: 'log', format: (value) => String(Number(value.toPrecision(3))) },
    series: seriesOf(
      results,
      (row) => row.tokensPerSecond,
      (densest, kept) => densest / kept,
    ),
  };
  const bytes: Chart = {
    title: 'Read for a token: weights, head, cache',
    subtitle: 'linear layers shrink with the inputs that stay, the rest does not',
    x: speed.x,
    y: { label: 'MB', scale: 'log', format: speed.y.format },
    series: seriesOf(
      results,
      (row, { otherMegabytes }) => row.megabytes + otherMegabytes,
      (densest, kept) => densest * kept,
    ),
  };
  const panels = [speed, bytes].map(
    (chart, i) => `<g transform="translate(0 ${i * HEIGHT})">${chartSvg(chart)}</g>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${2 * HEIGHT}" width="${WIDTH}" height="${2 * HEIGHT}">\n${panels.join('\n')}</svg>\n`;
}

function seriesOf(
  results: readonly DecodeResult[],
  value: (row: DecodeRow, result: DecodeResult) => number,
  ideal: (densest: number, kept: number) => number,
): readonly Series[] {
  return results.flatMap((result, color) => {
    const rows = result.rows
      .filter(({ form }) => form === 'packed')
      .toSorted((a, b) => a.sparsity - b.sparsity);
    const [densest] = rows;
    if (!densest) return [];
    const name = `${result.shape} ${result.weights}, ${result.threads}T`;
    const points = rows.map((row) => [100 * row.sparsity, value(row, result)] as const);
    const first = value(densest, result);
    const best = rows.map(
      ({ sparsity }) => [100 * sparsity, ideal(first, (1 - sparsity) / (1 - densest.sparsity))] as const,
    );
    return [
      { label: name, kind: 'line', color, points },
      { label: name, kind: 'dots', color, points, listed: false },
      { label: 'ideal', kind: 'dashed', color, points: best },
    ];
  });
}
