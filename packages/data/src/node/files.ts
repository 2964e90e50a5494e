/** Documents from files on disk, and tokenizer.json beside a model. */
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTokenizerJson } from '@qsparse/formats';
import { type DataErrorCode, TextError } from '../errors.ts';
import { type ReadOptions, readDocuments } from '../text/read.ts';
import { type LoadOptions, tokenizerFromJson } from '../tokenizer/load.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { nodeDecompressors } from './decompress.ts';

/**
 * Documents of one or more files (`.txt`, `.jsonl`, alone or followed by `.gz` or `.br`), file after file.
 * Throws `TextError` like `readDocuments`, and `file-not-found`, `file-access` or `file-read` for the file itself.
 */
export async function* readDocumentFiles(
  paths: string | readonly string[],
  options: ReadOptions = {},
): AsyncGenerator<string, void, undefined> {
  const decompress = { ...nodeDecompressors, ...options.decompress };
  for (const path of typeof paths === 'string' ? [paths] : paths) {
    yield* readDocuments({ name: path, content: fileChunks(path) }, { ...options, decompress });
  }
}

/**
 * The tokenizer of a model folder, or of a tokenizer.json named directly.
 * Throws `TextError` when the file cannot be read, otherwise as `tokenizerFromJson` does.
 */
export async function readTokenizer(path: string, options: LoadOptions = {}): Promise<Tokenizer> {
  let file = path;
  let bytes: Uint8Array;
  try {
    if ((await stat(path)).isDirectory()) file = join(path, 'tokenizer.json');
    bytes = await readFile(file);
  } catch (error) {
    throw fileError(file, error);
  }
  return tokenizerFromJson(parseTokenizerJson(bytes, file), options);
}

async function* fileChunks(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    // A pipe or device is fine; a folder is not, and its own error text helps nobody.
    if ((await stat(path)).isDirectory()) {
      throw new TextError('file-read', { file: path }, 'a folder, not a file', 'name the files in it');
    }
    yield* createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw fileError(path, error);
  }
}

const FILE_PROBLEMS: Readonly<Record<string, readonly [DataErrorCode, string, string]>> = {
  ENOENT: ['file-not-found', 'no such file', 'check the path'],
  ENOTDIR: ['file-not-found', 'no such file: a part of its path is not a folder', 'check the path'],
  EACCES: ['file-access', 'no right to read it', 'change its permissions or run as its owner'],
  EPERM: ['file-access', 'no right to read it', 'change its permissions or run as its owner'],
};

function fileError(file: string, error: unknown): TextError {
  if (error instanceof TextError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const [kind, what, hint] = FILE_PROBLEMS[code] ?? [
    'file-read',
    `reading failed (${code || String(error)})`,
    '',
  ];
  return new TextError(kind, { file }, what, hint, error);
}
