/**
 * The files of a small trained model that lie in this package: in Node on disk, in a browser beside the page's own
 * script. No device, no tokenizer, no loading: `fromPretrained` of `qsparse` takes what is here.
 */

/** A part of a file; the same as a ByteReader of `@qsparse/formats`. */
export interface ShowcaseReader {
  readonly name: string;
  /** Bytes of the whole file. */
  readonly size: number;
  /** A copy of `length` bytes from `offset` on. Rejects with ShowcaseError outside of the file. */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
}

/** Opens files by name; the same as ModelFiles of `@qsparse/models`. */
export interface ShowcaseFiles {
  readonly name: string;
  /** Undefined for a name that the model has no file of. Rejects with ShowcaseError where one cannot be read. */
  open(fileName: string): Promise<ShowcaseReader | undefined>;
}

/** A file of the model that cannot be read. */
export class ShowcaseError extends Error {
  readonly code: 'io' | 'range';

  constructor(code: 'io' | 'range', message: string, options?: ErrorOptions) {
    super(`[showcase] ${message}`, options);
    this.name = 'ShowcaseError';
    this.code = code;
  }
}

/** Where the files are, by name. Each address is written out: bundlers copy what they find in this form. */
export const SHOWCASE_URLS: Readonly<Record<'config.json' | 'tokenizer.json' | 'model.safetensors', URL>> = {
  'config.json': new URL('../model/config.json', import.meta.url),
  'tokenizer.json': new URL('../model/tokenizer.json', import.meta.url),
  'model.safetensors': new URL('../model/model.safetensors', import.meta.url),
};

/** The model, for `fromPretrained(showcaseFiles(), device)`. Nothing is read before it is opened; then a whole file at once. */
export function showcaseFiles(): ShowcaseFiles {
  return {
    name: 'showcase',
    async open(fileName) {
      if (!Object.hasOwn(SHOWCASE_URLS, fileName)) return undefined;
      return readerOf(
        await bytesAt(SHOWCASE_URLS[fileName as keyof typeof SHOWCASE_URLS], fileName),
        `showcase/${fileName}`,
      );
    },
  };
}

function readerOf(bytes: Uint8Array, name: string): ShowcaseReader {
  return {
    name,
    size: bytes.length,
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      if (offset >= 0 && length >= 0 && offset + length <= bytes.length)
        return bytes.slice(offset, offset + length);
      throw new ShowcaseError(
        'range',
        `${name} has ${bytes.length} bytes, got a range of ${length} from ${offset}; install the package again if it is cut off`,
      );
    },
  };
}

/** What is used of Node, which a bundler for browsers must not see as an import. */
interface NodeProcess {
  getBuiltinModule?(name: 'node:fs/promises'): { readFile(path: URL): Promise<Uint8Array> } | undefined;
}

async function bytesAt(url: URL, fileName: string): Promise<Uint8Array> {
  try {
    if (url.protocol === 'file:') {
      const { process } = globalThis as { readonly process?: NodeProcess };
      const files = process?.getBuiltinModule?.('node:fs/promises');
      if (files) return new Uint8Array(await files.readFile(url)); // a Buffer's slice would be no copy
    }
    const response = await fetch(url);
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ShowcaseError(
      'io',
      `${fileName} cannot be read from ${url.protocol === 'data:' ? 'the script' : url} (${why}); install the package again, or copy its folder "model" to where the page finds it`,
      { cause },
    );
  }
}
