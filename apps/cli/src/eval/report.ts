/** What an evaluation prints: a table for people, objects for programs. */
import { sparsityInWords } from '../sparsity-in-words.ts';
import type { TaskResult } from './run-task.ts';
import type { MeasuredSparsity } from './scorer.ts';

/** One line a metric, under a heading. */
export function resultTable(results: readonly TaskResult[]): string {
  const rows = results.flatMap(({ task, items, fewShot, metrics }) =>
    Object.entries(metrics).map(([metric, { value, standardError }], i) => [
      i === 0 ? task : '',
      i === 0 ? String(items) : '',
      i === 0 ? String(fewShot) : '',
      metric,
      shown(metric, value),
      standardError === undefined ? '' : `± ${shown(metric, standardError)}`,
    ]),
  );
  return columns([['task', 'items', 'shots', 'metric', 'value', 'std. error'], ...rows]);
}

/** Of all tasks, each by as many tokens as were counted; undefined where nothing was. */
export function sparsityOf(results: readonly TaskResult[]): MeasuredSparsity | undefined {
  const measured = results.flatMap(({ sparsity }) => sparsity ?? []);
  const tokens = measured.reduce((sum, one) => sum + one.tokens, 0);
  if (tokens === 0) return undefined;
  const mean = (of: (one: MeasuredSparsity) => number): number =>
    measured.reduce((sum, one) => sum + one.tokens * of(one), 0) / tokens;
  const sites = Object.keys(measured[0]!.sites).map(
    (site) => [site, mean((one) => one.sites[site]!)] as const,
  );
  return { tokens, overall: mean(({ overall }) => overall), sites: Object.fromEntries(sites) };
}

/** Overall, and the means of each kind of site. */
export const sparsityLine = ({ overall, sites, tokens }: MeasuredSparsity): string =>
  `${sparsityInWords(overall, Object.entries(sites))}, on ${tokens} tokens`;

/** Accuracies in percent, as the harness's tables have them; everything else as it is. */
function shown(metric: string, value: number): string {
  if (metric.startsWith('acc')) return (100 * value).toFixed(2);
  return value < 1e4 ? value.toFixed(4) : value.toExponential(3);
}

/** The first and the fourth column are words, the others numbers. */
function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const isText = [true, false, false, true, false, false];
  return rows
    .map((row) =>
      row
        .map((cell, i) => (isText[i] ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
