// Tables as comma-separated text with a heading, none of whose cells holds a comma or a quote.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** @typedef {Record<string, string>} Row */

/** @param {string} path @returns {Row[]} nothing where there is no file */
export function readCsv(path) {
  if (!existsSync(path)) return [];
  const [heading, ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n');
  const columns = heading.split(',');
  return lines.map((line, i) => {
    const cells = line.split(',');
    if (cells.length !== columns.length)
      throw new Error(
        `[evidence] ${path}, row ${i + 2}: ${columns.length} cells are required, got ${cells.length}`,
      );
    return Object.fromEntries(columns.map((name, at) => [name, cells[at]]));
  });
}

/** @param {string} path @param {readonly Record<string, unknown>[]} rows with the same keys */
export function writeCsv(path, rows) {
  if (rows.length === 0) return;
  const columns = Object.keys(rows[0]);
  const lines = rows.map((row) => columns.map((name) => String(row[name] ?? '')).join(','));
  const wrong = lines.find((line) => line.split(',').length !== columns.length || line.includes('"'));
  if (wrong) throw new Error(`[evidence] ${path}: a cell holds a comma or a quote: ${wrong}`);
  writeFileSync(path, `${[columns.join(','), ...lines].join('\n')}\n`);
}

/**
 * Rows of both; of two with the same key the newer.
 * @param {readonly Row[]} old
 * @param {readonly Row[]} newer
 * @param {(row: Row) => string} keyOf
 */
export function merged(old, newer, keyOf) {
  const rows = new Map(old.map((row) => [keyOf(row), row]));
  for (const row of newer) rows.set(keyOf(row), row);
  return [...rows.values()];
}
