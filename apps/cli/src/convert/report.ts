/** What a conversion says at its end: the tables of its calibration, and the next commands. */
import type { CalibrationReport, SiteCost } from './calibrate.ts';
import type { Selected } from './selectors.ts';

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
  const { dense, sites, layers } = selection;
  return [
    ...lines,
    '',
    'each site alone: what it keeps, what that adds to the loss, and three ways to select: share kept, relative L2 error',
    ...table([
      ['site', 'keeps', 'loss +', 'exact', '', 'statistical', '', 'threshold', ''],
      ...sites.map((site) => siteRow(site, dense)),
    ]),
    '',
    'each layer alone, what its four sites add to the loss',
    ...table(layers.map((value, layer) => [`layer ${layer}`, signed(value - dense)])),
  ];
}

function siteRow(
  { site, keeps, width, loss: value, exact, statistical, threshold }: SiteCost,
  dense: number,
): string[] {
  const cells = ({ kept, error }: Selected): string[] => [`${percent(kept)} %`, error.toFixed(3)];
  return [
    site,
    `${keeps} of ${width}`,
    signed(value - dense),
    ...cells(exact),
    ...cells(statistical),
    ...cells(threshold),
  ];
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
