/** Tables as comma-separated text (RFC 4180) with a heading, where every cell knows its row. */
import { decodeUtf8 } from '@qsparse/formats';
import { readFileBytes } from '@qsparse/formats/node';

/** A table, a sweep or points that cannot be used; the message begins with the file, and the row where there is one. */
export class ScalingInputError extends Error {
  readonly code = 'scaling-input';

  constructor(place: string, what: string, hint: string) {
    super(`[scaling] ${place}: ${what}; ${hint}`);
    this.name = 'ScalingInputError';
  }
}

export interface CsvRow {
  /** `FILE, row N`, the heading being row 1. */
  readonly place: string;
  readonly cells: Readonly<Record<string, string>>;
}

export interface Csv {
  readonly columns: readonly string[];
  readonly rows: readonly CsvRow[];
}

const MAX_BYTES = 2 ** 26;

/** Throws ScalingInputError, FileError or FormatError naming file and row. */
export async function readCsv(file: string): Promise<Csv> {
  return parseCsv(
    decodeUtf8(await readFileBytes(file, MAX_BYTES), { label: 'scaling', file, dropMark: true }),
    file,
  );
}

export function parseCsv(text: string, file: string): Csv {
  const [heading, ...rest] = recordsOf(text, file);
  if (!heading)
    throw new ScalingInputError(file, 'a heading is required, the file is empty', 'check the path');
  const columns = heading.cells.map((name) => name.trim());
  const twice = columns.find((name, i) => columns.indexOf(name) !== i);
  if (twice !== undefined)
    throw new ScalingInputError(`${file}, row 1`, `there are two columns "${twice}"`, 'rename one of them');
  const rows = rest.map(({ cells, row }) => {
    const place = `${file}, row ${row}`;
    if (cells.length !== columns.length)
      throw new ScalingInputError(
        place,
        `${columns.length} cells are required, as many as the heading has, got ${cells.length}`,
        'correct the row',
      );
    return { place, cells: Object.fromEntries(columns.map((name, i) => [name, cells[i]!.trim()])) };
  });
  return { columns, rows };
}

/** Rows with their numbers; lines that are blank are left out. */
function recordsOf(
  text: string,
  file: string,
): readonly { readonly cells: string[]; readonly row: number }[] {
  const records: { cells: string[]; row: number }[] = [];
  // A cell, plain or quoted, and what ends it.
  const cell = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r?\n|$)/y;
  let cells: string[] = [];
  let row = 1;
  while (cell.lastIndex < text.length) {
    const at = cell.lastIndex;
    const found = cell.exec(text);
    if (!found)
      throw new ScalingInputError(
        `${file}, row ${row}`,
        `a quote must enclose a whole cell, got ${text.slice(at, at + 30).split('\n')[0]}`,
        'correct the row',
      );
    const [, value = '', end] = found;
    cells.push(value.startsWith('"') ? value.slice(1, -1).replaceAll('""', '"') : value);
    if (end === ',') continue;
    if (cells.length > 1 || cells[0]!.trim() !== '') records.push({ cells, row });
    cells = [];
    row++;
  }
  if (cells.length > 0) records.push({ cells: [...cells, ''], row });
  return records;
}

/** The text of a table; numbers as JavaScript writes them, so that they are read back exactly. */
export function formatCsv(
  columns: readonly string[],
  rows: readonly Readonly<Record<string, string | number | undefined>>[],
): string {
  const quoted = (value: string | number | undefined): string => {
    const text = String(value ?? '');
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = rows.map((row) => columns.map((name) => quoted(row[name])).join(','));
  return `${[columns.map(quoted).join(','), ...lines].join('\n')}\n`;
}
