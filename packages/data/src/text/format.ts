/** What a file's name says about its contents. The bytes are not looked at. */
import { TextError } from '../errors.ts';

export type TextFormat = 'text' | 'jsonl';
export type Compression = 'none' | 'gzip' | 'brotli';

export interface FileFormat {
  readonly format: TextFormat;
  readonly compression: Compression;
}

const COMPRESSION_ENDINGS: ReadonlyMap<string, Compression> = new Map([
  ['.gz', 'gzip'],
  ['.br', 'brotli'],
]);
const FORMAT_ENDINGS: ReadonlyMap<string, TextFormat> = new Map([
  ['.txt', 'text'],
  ['.jsonl', 'jsonl'],
]);

/** Endings are compared without case. What the caller states wins over the name. */
export function fileFormat(name: string, stated: Partial<FileFormat>): FileFormat {
  const lower = name.toLowerCase();
  const packed = COMPRESSION_ENDINGS.get(lower.slice(-3));
  const inner = packed ? lower.slice(0, -3) : lower;
  const byName = [...FORMAT_ENDINGS].find(([ending]) => inner.endsWith(ending))?.[1];
  const format = stated.format ?? byName;
  if (!format) {
    throw new TextError(
      'file-format',
      { file: name },
      'the name must end in .txt or .jsonl, alone or followed by .gz or .br',
      "rename the file, or state format: 'text' or 'jsonl'",
    );
  }
  return { format, compression: stated.compression ?? packed ?? 'none' };
}
