/** Points for a fit, from tables and run folders, in groups that are fitted one by one. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { countParameters } from '@qsparse/layers';
import { ScalingError, type ScalingPoint } from '@qsparse/scaling';
import { readModelConfig, resolveModelFolder } from 'qsparse/node';
import { type CsvRow, readCsv, ScalingInputError } from './csv.ts';
import { lastValidationLoss } from './run-loss.ts';
import { selectedShare } from './selected-share.ts';

export interface PointColumns {
  readonly parameters: string;
  readonly sparsity: string;
  readonly loss: string;
  /** Rows that differ in it are fitted apart; undefined: `variant`, where the table has it. */
  readonly by: string | undefined;
}

export interface PointGroup {
  /** Empty where there is one group of no name. */
  readonly name: string;
  readonly points: readonly ScalingPoint[];
  /** Where each point comes from. */
  readonly places: readonly string[];
}

/** Of a table without `--by`. */
const USUAL_GROUP = 'variant';

/** Throws ScalingInputError naming file and row; ValueError and FileError of a run folder. */
export async function readPoints(
  paths: readonly string[],
  columns: PointColumns,
): Promise<readonly PointGroup[]> {
  const groups = new Map<string, { points: ScalingPoint[]; places: string[] }>();
  const add = (name: string, point: ScalingPoint, place: string): void => {
    const group = groups.get(name) ?? { points: [], places: [] };
    groups.set(name, group);
    group.points.push(point);
    group.places.push(place);
  };
  for (const path of paths) {
    const isFolder = await stat(path).then(
      (entry) => entry.isDirectory(),
      () => false,
    );
    if (isFolder) {
      const { group, point } = await pointOfRun(path);
      add(group, point, path);
      continue;
    }
    const table = await readCsv(path);
    for (const name of [columns.parameters, columns.sparsity, columns.loss, columns.by])
      if (name !== undefined && !table.columns.includes(name))
        throw new ScalingInputError(
          `${path}, row 1`,
          `a column "${name}" is required, there are ${table.columns.join(', ')}`,
          'name it by --parameters, --sparsity, --loss or --by',
        );
    const by = columns.by ?? USUAL_GROUP;
    for (const row of table.rows) {
      const point = {
        parameters: numberIn(row, columns.parameters),
        sparsity: numberIn(row, columns.sparsity),
        loss: numberIn(row, columns.loss),
      };
      add(row.cells[by] ?? '', point, row.place);
    }
  }
  return [...groups].map(([name, group]) => ({ name, ...group }));
}

/** An error about one point of a group as one about its row. */
export function atItsPlace(error: unknown, { places, name }: PointGroup): unknown {
  if (!(error instanceof ScalingError)) return error;
  const [what = '', hint = ''] = error.message.replace(/^\[\w+\] (?:point \d+: )?/, '').split('; ');
  if (error.point !== undefined) return new ScalingInputError(places[error.point]!, what, hint);
  const files = [...new Set(places.map((place) => place.replace(/, row \d+$/, '')))];
  const shown =
    files.length > 3 ? `${files.slice(0, 2).join(', ')} and ${files.length - 2} more` : files.join(', ');
  return new ScalingInputError(name === '' ? shown : `${shown} (${name})`, what, hint);
}

function numberIn({ cells, place }: CsvRow, column: string): number {
  const text = cells[column]!;
  const value = text === '' ? Number.NaN : Number(text);
  if (Number.isFinite(value)) return value;
  throw new ScalingInputError(
    place,
    `${column} must be a number, got ${JSON.stringify(text)}`,
    'correct the row',
  );
}

/** N counts the linear layers of the blocks, S is what selection leaves out, L the last validation loss. */
async function pointOfRun(path: string): Promise<{ readonly group: string; readonly point: ScalingPoint }> {
  const { decoder } = await readModelConfig(await resolveModelFolder(path));
  const loss = await lastValidationLoss(path);
  if (loss === undefined)
    throw new ScalingInputError(
      join(path, 'metrics.jsonl'),
      'a validation loss is required, there is none',
      'leave the run out or train it to its next validation',
    );
  const { linear: parameters } = countParameters(decoder);
  return { group: decoder.linear.weights, point: { parameters, sparsity: selectedShare(decoder), loss } };
}
