/** What a conversion says at its end: the tables of its calibration, and the next commands. */
import { type CalibrationReport, type SiteCost, WAYS } from './calibrate.ts';

const loss = (value: number): string => value.toFixed(4);
const percent = (share: number): string => (100 * share).toFixed(1);

/** Lines for people. */
export function calibrationLines({
  tokens,
  before,
  after,
  uniform,
  sparsity,
  selection,
}: CalibrationReport): string[] {
  const lines = [
    `loss on ${tokens} tokens, nats each: ${loss(before)} before, ${loss(after)} after (${signed(after - before)})`,
    ...(uniform === undefined ? [] : [`  ${loss(uniform)} with one share for all sites`]),
    `${percent(sparsity)} % of the inputs of linear layers are left out, weighted by parameters`,
  ];
  if (!selection) return lines;
  const { dense, sites, layers, all } = selection;
  const added = (values: Readonly<Record<(typeof WAYS)[number], number>>): string[] =>
    WAYS.map((way) => signed(values[way] - dense));
  return [
    ...lines,
    '',
    'each site alone, by exact selection, by a statistical threshold and by a fixed one: inputs kept, relative L2 error, what it adds to the loss',
    ...table([
      ['site', 'exact', '', '', 'statistical', '', '', 'threshold', '', ''],
      ...sites.map((site) => siteRow(site, dense)),
    ]),
    '',
    'all sites of one layer, and all of the model: what that adds to the loss',
    ...table([
      ['', ...WAYS],
      ...layers.map((values, layer) => [`layer ${layer}`, ...added(values)]),
      ['all layers', ...added(all)],
    ]),
  ];
}

function siteRow(cost: SiteCost, dense: number): string[] {
  const cells = WAYS.flatMap((way) => {
    const { kept, error, loss: value } = cost[way];
    const share = way === 'exact' ? `${cost.keeps} of ${cost.width}` : `${percent(kept)} %`;
    return [share, error.toFixed(3), signed(value - dense)];
  });
  return [cost.site, ...cells];
}

const signed = (value: number): string => `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(4)}`;

/** The first column to the left, the others to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]!.length))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
}
