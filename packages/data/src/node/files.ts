/** Documents from files on disk, and tokenizer.json beside a model. */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileBytes, withFileErrors } from '@qsparse/formats/node';
import { type DataErrorCode, TextError } from '../errors.ts';
import { CHAT_TEMPLATE_FOLDER } from '../pretrained/chat-sources.ts';
import { loadTokenizer, TOKENIZER_FILES } from '../pretrained/load-tokenizer.ts';
import { UNREAD_FILES } from '../pretrained/named-tokens.ts';
import type { LoadTokenizerOptions, PretrainedTokenizer } from '../pretrained/pretrained-tokenizer.ts';
import type { FailLine } from '../text/jsonl.ts';
import { type ReadOptions, readDocuments, readObjects } from '../text/read.ts';
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

/** The objects of JSONL files, as `take` reads each; it is given the file's name too. Throws as `readDocumentFiles` does. */
export async function* readObjectFiles<T>(
  paths: readonly string[],
  take: (value: object, place: { readonly file: string; readonly line: number }, fail: FailLine) => T[],
  options: Pick<ReadOptions, 'compression' | 'decompress' | 'signal'> = {},
): AsyncGenerator<T, void, undefined> {
  const decompress = { ...nodeDecompressors, ...options.decompress };
  for (const file of paths) {
    const source = { name: file, content: fileChunks(file) };
    yield* readObjects(source, (value, line, fail) => take(value, { file, line }, fail), {
      ...options,
      decompress,
    });
  }
}

/**
 * The tokenizer of a model folder, with what the other files of the folder say about it; or of a tokenizer.json named
 * directly, alone. Throws `FileError` of @qsparse/formats when a file cannot be read, otherwise as `loadTokenizer` does.
 */
export async function readTokenizer(
  path: string,
  options: Omit<LoadTokenizerOptions, 'nameOf'> = {},
): Promise<PretrainedTokenizer> {
  const isFolder = await withFileErrors('readTokenizer', path, async () => (await stat(path)).isDirectory());
  if (!isFolder) {
    const files = { 'tokenizer.json': await readFileBytes(path) };
    return loadTokenizer(files, { ...options, nameOf: () => path });
  }
  const files: Record<string, Uint8Array> = {};
  for (const name of await filesOf(path))
    files[name] = UNREAD_FILES.includes(name) ? new Uint8Array() : await readFileBytes(join(path, name));
  return loadTokenizer(files, { ...options, nameOf: (file) => join(path, file) });
}

/** Those of a folder that belong to a tokenizer. */
async function filesOf(folder: string): Promise<string[]> {
  const namesIn = (path: string): Promise<string[]> =>
    withFileErrors('readTokenizer', path, () => readdir(path));
  const present = await namesIn(folder);
  const known = [...TOKENIZER_FILES, ...UNREAD_FILES].filter((name) => present.includes(name));
  if (!present.includes(CHAT_TEMPLATE_FOLDER)) return known;
  const templates = await namesIn(join(folder, CHAT_TEMPLATE_FOLDER));
  return [...known, ...templates.map((name) => `${CHAT_TEMPLATE_FOLDER}/${name}`)];
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
