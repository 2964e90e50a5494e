/** Rows of JSON lines, plain or packed, that say where they stand when something in them is wrong. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type BrotliOptions, brotliDecompress, gunzip, type ZlibOptions } from 'node:zlib';
import { decodeUtf8 } from '@qsparse/formats';
import { readFileBytes } from '@qsparse/formats/node';
import { EvaluationError } from './errors.ts';

export interface DataRow {
  readonly file: string;
  /** 1-based. */
  readonly row: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Endings of packed files, and none. */
const PACKED = ['', '.gz', '.br'];
/** Far above every evaluation set, so that a wrong file does not fill the memory. */
const MAX_BYTES = 2 ** 28;

/** `FOLDER/name`, plain or packed; undefined where it is not there. */
export function findData(folder: string, name: string): string | undefined {
  return PACKED.map((ending) => join(folder, name) + ending).find((path) => existsSync(path));
}

/** As `findData`. Throws EvaluationError for a file that is missing. */
export function requireData(folder: string, name: string, task: string): string {
  const path = findData(folder, name);
  if (path !== undefined) return path;
  throw new EvaluationError(
    'eval-data',
    `${task} needs ${join(folder, name)} (or ${PACKED.slice(1).join(', ')} of it), which is not there; check --data, or leave ${task} out`,
  );
}

/** All rows of a file. Throws EvaluationError naming file and row, FileError where it cannot be read. */
export async function readRows(file: string): Promise<readonly DataRow[]> {
  const lines = (await readText(file)).split('\n');
  const rows: DataRow[] = [];
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue;
    rows.push({ file, row: i + 1, fields: parseLine(line, `${file}, row ${i + 1}`) });
  }
  if (rows.length === 0)
    throw new EvaluationError(
      'eval-data',
      `${file}: at least one row is required, the file is empty; check it`,
    );
  return rows;
}

async function readText(file: string): Promise<string> {
  const bytes = await readFileBytes(file, MAX_BYTES);
  const unpack = file.endsWith('.gz') ? gunzipped : file.endsWith('.br') ? unbrotli : undefined;
  const text = unpack
    ? await unpack(bytes, { maxOutputLength: MAX_BYTES }).catch((error: Error) => {
        throw new EvaluationError(
          'eval-data',
          `${file}: cannot be unpacked (${error.message}); get it again`,
        );
      })
    : bytes;
  return decodeUtf8(text, { label: 'eval', file, dropMark: true });
}

const gunzipped = promisify<Uint8Array, ZlibOptions, Buffer>(gunzip);
const unbrotli = promisify<Uint8Array, BrotliOptions, Buffer>(brotliDecompress);

function parseLine(line: string, place: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new EvaluationError(
      'eval-data',
      `${place}: a JSON object is required, got ${line.trim().slice(0, 40)}; correct the row`,
    );
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new EvaluationError(
    'eval-data',
    `${place}: a JSON object is required, got ${kindOf(value)}; correct the row`,
  );
}

/** Where a row stands, for messages. */
export const placeOf = ({ file, row }: DataRow): string => `${file}, row ${row}`;

/** A text that is not empty. Throws EvaluationError. */
export function textField(row: DataRow, name: string): string {
  const value = row.fields[name];
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw wrong(row, name, 'must be a text that is not empty', value);
}

/** Texts that are not empty. Throws EvaluationError. */
export function textList(row: DataRow, name: string, fewest: number): readonly string[] {
  const value = row.fields[name];
  const isText = (item: unknown): item is string => typeof item === 'string' && item.trim() !== '';
  if (Array.isArray(value) && value.length >= fewest && value.every(isText)) return value;
  throw wrong(row, name, `must be a list of at least ${fewest} texts that are not empty`, value);
}

/** A place in a list of `length`. Throws EvaluationError. */
export function indexField(row: DataRow, name: string, length: number): number {
  const value = row.fields[name];
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) < length) return value as number;
  throw wrong(row, name, `must be a whole number from 0 to ${length - 1}`, value);
}

function wrong(row: DataRow, name: string, what: string, value: unknown): EvaluationError {
  const got = value === undefined ? `none (there are ${Object.keys(row.fields).join(', ')})` : kindOf(value);
  return new EvaluationError('eval-data', `${placeOf(row)}: "${name}" ${what}, got ${got}; correct the row`);
}

function kindOf(value: unknown): string {
  return (JSON.stringify(value) ?? typeof value).slice(0, 60);
}
