/** Named bytes to documents: decompress, check UTF-8, cut. Streaming: memory holds a chunk and one document. */
import { TextError } from '../errors.ts';
import { type ByteSource, byteChunks } from './bytes.ts';
import { type Decompressors, decompressed } from './compression.ts';
import { createDocumentParser } from './documents.ts';
import { type Compression, fileFormat, type TextFormat } from './format.ts';
import { createJsonlParser, createObjectParser, type FailLine, type LineParser } from './jsonl.ts';
import { createUtf8Decoder } from './utf8.ts';

export interface TextSource {
  /** Named in errors; its ending gives format and compression. */
  readonly name: string;
  readonly content: ByteSource;
}

export interface ReadOptions {
  /** Default: by the name, `.txt` or `.jsonl`. */
  readonly format?: TextFormat;
  /** Default: by the name, `.gz` or `.br` at its end. */
  readonly compression?: Compression;
  /** Plain text: a line of this alone ends a document; default `<|endoftext|>`, `null` for none. */
  readonly separator?: string | null;
  /** JSONL: the key that holds the text; default `text`. */
  readonly textKey?: string;
  /** Ways to decompress that the platform lacks, or better ones. */
  readonly decompress?: Decompressors;
  readonly signal?: AbortSignal;
}

/**
 * Documents of one source in order, each a non-blank string. Throws `TextError` naming the file and line or byte:
 * unreadable source, unknown format, truncated or corrupt compression, not UTF-8 text, bad JSONL line, no text at all.
 */
export async function* readDocuments(
  source: TextSource,
  options: ReadOptions = {},
): AsyncGenerator<string, void, undefined> {
  const { name } = source;
  const { format, compression } = fileFormat(name, options);
  const separator = options.separator === undefined ? '<|endoftext|>' : options.separator;
  const parser =
    format === 'text'
      ? createDocumentParser(name, separator)
      : createJsonlParser(name, options.textKey ?? 'text');
  yield* parsed(source, parser, compression, options);
}

/**
 * The objects of a JSONL source in order, as `take` reads each: its line and a way to refuse it come with it. Throws as
 * `readDocuments` does.
 */
export async function* readObjects<T>(
  source: TextSource,
  take: (value: object, line: number, fail: FailLine) => T[],
  options: Omit<ReadOptions, 'format' | 'separator' | 'textKey'> = {},
): AsyncGenerator<T, void, undefined> {
  const { compression } = fileFormat(source.name, { ...options, format: 'jsonl' });
  yield* parsed(source, createObjectParser(source.name, take), compression, options);
}

async function* parsed<T>(
  { name, content }: TextSource,
  parser: LineParser<T>,
  compression: Compression,
  { signal, decompress = {} }: ReadOptions,
): AsyncGenerator<T, void, undefined> {
  const utf8 = createUtf8Decoder(name);
  const raw = byteChunks(name, content);
  let found = false;
  signal?.throwIfAborted();
  for await (const chunk of decompressed(name, raw, compression, decompress)) {
    signal?.throwIfAborted();
    for (const document of parser.push(utf8.push(chunk))) {
      found = true;
      yield document;
    }
  }
  utf8.end();
  for (const document of parser.end()) {
    found = true;
    yield document;
  }
  if (!found) throw new TextError('empty', { file: name }, 'holds no text', 'give a file with text in it');
}
