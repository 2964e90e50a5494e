import { describe, expect, test } from 'vitest';
import { formatCsv, parseCsv } from '../../src/scaling/csv.ts';

describe('CSV', () => {
  test('cells, quotes, blank lines and both line ends', () => {
    const { columns, rows } = parseCsv('a, b\r\n1,"x, ""y"""\n\n2,\n', 'f.csv');
    expect(columns).toEqual(['a', 'b']);
    expect(rows).toEqual([
      { place: 'f.csv, row 2', cells: { a: '1', b: 'x, "y"' } },
      { place: 'f.csv, row 4', cells: { a: '2', b: '' } },
    ]);
  });

  test('without a line end at the end', () => {
    expect(parseCsv('a,b\n1,', 'f').rows[0]!.cells).toEqual({ a: '1', b: '' });
    expect(parseCsv('a,b\n1,2', 'f').rows[0]!.cells).toEqual({ a: '1', b: '2' });
  });

  test('what is written is read back exactly', () => {
    const rows = [
      { name: 'x "y", z', value: 0.1 + 0.2 },
      { name: '', value: 1e-300 },
    ];
    const back = parseCsv(formatCsv(['name', 'value'], rows), 'f').rows.map(({ cells }) => cells);
    expect(back.map(({ name, value }) => ({ name, value: Number(value) }))).toEqual(rows);
  });

  test.each([
    ['', 'f.csv: a heading is required, the file is empty'],
    ['a,a\n', 'f.csv, row 1: there are two columns "a"'],
    ['a,b\n1,2\n3\n', 'f.csv, row 3: 2 cells are required, as many as the heading has, got 1'],
    ['a\n1\nx"y\n', 'f.csv, row 3: a quote must enclose a whole cell'],
    ['a\n"open\n', 'f.csv, row 2: a quote must enclose a whole cell, got "open'],
  ])('%j is refused', (text, message) => {
    expect(() => parseCsv(text, 'f.csv')).toThrow(`[scaling] ${message}`);
  });
});
