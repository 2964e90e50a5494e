/** sweep.csv: one row a finished run, written whole after each of them, so that no kill leaves half a row. */
import { existsSync } from 'node:fs';
import { writeFileAtomic } from '@qsparse/formats/node';
import { formatCsv, readCsv, ScalingInputError } from './csv.ts';

/** In the order of the columns. */
export const SWEEP_COLUMNS = [
  'run',
  'size',
  'variant',
  'sparsity_target',
  'seed',
  'parameters',
  'total_parameters',
  'active',
  'sparsity',
  'measured_sparsity',
  'loss',
  'bits_per_byte',
  'steps',
  'tokens',
  'seconds',
  'device',
] as const;

export type SweepRow = Readonly<Record<(typeof SWEEP_COLUMNS)[number], string | number>>;

export interface SweepTable {
  /** Of finished runs. */
  readonly runs: ReadonlySet<string>;
  add(row: SweepRow): Promise<void>;
}

/** Opens or begins a table. Throws ScalingInputError for one that is not a sweep's. */
export async function openSweepTable(file: string): Promise<SweepTable> {
  const rows: Readonly<Record<string, string | number>>[] = [];
  const runs = new Set<string>();
  if (existsSync(file)) {
    const table = await readCsv(file);
    if (table.columns.join() !== SWEEP_COLUMNS.join())
      throw new ScalingInputError(
        `${file}, row 1`,
        `the columns of a sweep are required (${SWEEP_COLUMNS.join(', ')}), got ${table.columns.join(', ')}`,
        'use another --out',
      );
    for (const { cells, place } of table.rows) {
      if (runs.has(cells.run!))
        throw new ScalingInputError(place, `${cells.run} is there twice`, 'remove one row');
      runs.add(cells.run!);
      rows.push(cells);
    }
  }
  return {
    runs,
    async add(row) {
      rows.push(row);
      runs.add(String(row.run));
      await writeFileAtomic(file, formatCsv(SWEEP_COLUMNS, rows));
    },
  };
}
