/**
 * The files of a model folder, wherever they are: at an address, chosen by a user, in a folder that a page may read. Each
 * is opened when it is needed, and read in the ranges that are needed. Folders on disk are in `qsparse/node`.
 */
import {
  type ByteReader,
  blobReader,
  FormatError,
  type HttpReaderOptions,
  httpReader,
  indexFileName,
  openSafetensors,
  openShardedSafetensors,
  type TensorStore,
} from '@qsparse/formats';

export interface ModelFiles {
  /** The folder or address, for messages. */
  readonly name: string;
  /** Undefined where there is no file of that name. The reader belongs to the caller, who closes it. */
  open(fileName: string): Promise<ByteReader | undefined>;
}

/**
 * Files under an address, such as a folder on a web server or a model's files on a hub. The server must answer requests
 * for ranges. The address ends with the folder, with or without a slash; its query goes with every file.
 */
export function urlFiles(address: string | URL, options: HttpReaderOptions = {}): ModelFiles {
  const base = folderAddress(address);
  const send = options.fetch ?? ((url: string, init: RequestInit) => fetch(url, init));
  return {
    name: base.origin + base.pathname,
    async open(fileName) {
      const url = new URL(encodeURIComponent(fileName), base);
      url.search = base.search;
      let isMissing = false;
      const watched = async (target: string, init: RequestInit): Promise<Response> => {
        const response = await send(target, init);
        isMissing = response.status === 404 || response.status === 410;
        return response;
      };
      try {
        return await httpReader(url, { ...options, fetch: watched });
      } catch (error) {
        if (isMissing) return undefined;
        throw error;
      }
    },
  };
}

/** Files that a user chose, as an input element or a drop gives them; their folders do not matter. */
export function chosenFiles(files: readonly File[]): ModelFiles {
  return {
    name: 'the chosen files',
    async open(fileName) {
      const file = files.find(({ name }) => name === fileName);
      return file && blobReader(file);
    },
  };
}

/** A folder that the user gave a page, or one of the origin's private file system. */
export function directoryFiles(handle: FileSystemDirectoryHandle): ModelFiles {
  return {
    name: handle.name || 'the chosen folder',
    async open(fileName) {
      try {
        return blobReader(await (await handle.getFileHandle(fileName)).getFile());
      } catch (error) {
        if (error instanceof Error && error.name === 'NotFoundError') return undefined;
        throw error;
      }
    },
  };
}

/** All bytes of a small file. Throws FormatError where it is missing or has more than 100 MB. */
export async function readModelFile(
  files: ModelFiles,
  fileName: string,
  signal?: AbortSignal,
): Promise<{ readonly bytes: Uint8Array; readonly name: string }> {
  const bytes = await readOptionalFile(files, fileName, signal);
  if (bytes) return bytes;
  throw missing(files, fileName);
}

/** The same; undefined where there is no such file. */
export async function readOptionalFile(
  files: ModelFiles,
  fileName: string,
  signal?: AbortSignal,
): Promise<{ readonly bytes: Uint8Array; readonly name: string } | undefined> {
  const reader = await files.open(fileName);
  if (!reader) return undefined;
  const name = reader.name ?? fileName;
  try {
    if (reader.size > LARGEST) {
      const message = `[model] ${name}: at most ${LARGEST} bytes are expected, it has ${reader.size}; is it the right file?`;
      throw new FormatError('range', message, { file: name });
    }
    return { bytes: await reader.read(0, reader.size, signal), name };
  } finally {
    await reader.close?.();
  }
}

/** model.safetensors, or the shards that model.safetensors.index.json names. Throws FormatError. */
export async function openWeights(files: ModelFiles, signal?: AbortSignal): Promise<TensorStore> {
  const options = signal ? { signal } : {};
  const single = await files.open('model.safetensors');
  if (single) return openSafetensors(single, options);
  const index = await files.open(indexFileName());
  if (!index) throw missing(files, 'model.safetensors');
  return openShardedSafetensors(
    index,
    async (fileName) => (await files.open(fileName)) ?? Promise.reject(missing(files, fileName)),
    options,
  );
}

const LARGEST = 100_000_000;

function missing(files: ModelFiles, fileName: string): FormatError {
  const message = `[model] ${files.name}: ${fileName} is required, there is no such file; give all files of the model`;
  return new FormatError('io', message, { file: fileName });
}

/** Relative to the page, where there is one. Throws FormatError for what is no address. */
function folderAddress(address: string | URL): URL {
  const page = typeof location === 'undefined' ? undefined : location.href;
  if (!URL.canParse(String(address), page)) {
    const message = `[model] an http or https address is required, got ${JSON.stringify(String(address))}; correct it`;
    throw new FormatError('io', message);
  }
  const url = new URL(String(address), page);
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  url.hash = '';
  return url;
}
