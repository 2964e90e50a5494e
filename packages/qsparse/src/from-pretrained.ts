/**
 * A published or saved model with its tokenizer, from wherever its files are. Loads in browsers; paths on disk are what
 * `qsparse/node` adds.
 */
import { type Device, ValueError } from '@qsparse/core';
import { checkVocabulary, loadTokenizer, type PretrainedTokenizer, TOKENIZER_FILES } from '@qsparse/data';
import type { HttpReaderOptions } from '@qsparse/formats';
import type { Decoder } from '@qsparse/layers';
import {
  chosenFiles,
  directoryFiles,
  type FamilyConfig,
  loadPretrained,
  type ModelFiles,
  type PretrainedOptions,
  readModelConfig,
  readOptionalFile,
  urlFiles,
} from '@qsparse/models';

/**
 * An address of a folder, the files that a user chose, a folder that a user gave the page, or anything that opens files
 * by name (`hubFiles` for one).
 */
export type ModelSource = string | URL | File | readonly File[] | FileSystemHandle | ModelFiles;

export interface FromPretrainedOptions extends PretrainedOptions {
  /** Headers and fetch of requests, for addresses. */
  readonly http?: HttpReaderOptions | undefined;
}

export interface LoadedModel {
  /** Disposed by its owner. */
  readonly model: Decoder;
  readonly tokenizer: PretrainedTokenizer;
  readonly config: FamilyConfig;
  /** The folder or address that was read. */
  readonly folder: string;
}

/**
 * Loads config.json, the tokenizer and the weights, one tensor at a time. Throws FormatError, TokenizerError or ValueError
 * naming file, key or tensor, and the signal's own reason.
 */
export async function fromPretrained(
  source: ModelSource,
  device: Device,
  { http, ...options }: FromPretrainedOptions = {},
): Promise<LoadedModel> {
  const files = await modelFilesOf(source, http);
  return loadWith(files, device, options, () => tokenizerOf(files, options.signal));
}

/** The tokenizer comes first: a model without one, or with another model's, is refused before its weights are read. */
export async function loadWith(
  files: ModelFiles,
  device: Device,
  options: PretrainedOptions,
  readTokenizer: () => Promise<PretrainedTokenizer>,
): Promise<LoadedModel> {
  const { decoder } = await readModelConfig(files, options.signal);
  const tokenizer = await readTokenizer();
  checkVocabulary(tokenizer, decoder.vocabularySize, files.name);
  const { model, config } = await loadPretrained(files, device, options);
  return { model, tokenizer, config, folder: files.name };
}

async function tokenizerOf(files: ModelFiles, signal: AbortSignal | undefined): Promise<PretrainedTokenizer> {
  const found: Record<string, Uint8Array> = {};
  for (const name of TOKENIZER_FILES) {
    const file = await readOptionalFile(files, name, signal);
    if (file) found[name] = file.bytes;
  }
  return loadTokenizer(found, { nameOf: (file) => `${files.name}/${file}` });
}

async function modelFilesOf(source: ModelSource, http: HttpReaderOptions | undefined): Promise<ModelFiles> {
  if (typeof source === 'string' || source instanceof URL) return urlFiles(source, http);
  if (Array.isArray(source)) return chosenFiles(source);
  if (source instanceof Blob) return chosenFiles([source as File]);
  if ('open' in source) return source;
  if ('kind' in source && source.kind === 'directory')
    return directoryFiles(source as FileSystemDirectoryHandle);
  if ('kind' in source && source.kind === 'file')
    return chosenFiles([await (source as FileSystemFileHandle).getFile()]);
  throw new ValueError(
    'fromPretrained',
    'the source must be an address, files, a folder or file handle, or an object with open()',
    'in Node, paths are for fromPretrained of qsparse/node',
  );
}
