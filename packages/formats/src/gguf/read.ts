// Reading GGUF: the header at once, each tensor when it is asked for. A store keeps no tensor data.
import { show, showName } from '../display.ts';
import { FormatError } from '../errors.ts';
import { type ByteReader, readExactly } from '../io/byte-reader.ts';
import { didYouMean } from '../json/nearest-name.ts';
import type { GgufTensor } from './convert.ts';
import { type GgufHeader, readGgufHeader } from './header.ts';

/** A GGUF file: its header, and its tensors when they are asked for. */
export interface GgufStore extends GgufHeader {
  /** File name or address. */
  readonly name: string;
  /**
   * Loads one tensor as the file has it.
   * @throws FormatError `missing-tensor`, or what the reader throws
   */
  read(name: string, signal?: AbortSignal): Promise<GgufTensor>;
  /** Closes the reader. */
  close(): Promise<void>;
}

/**
 * Reads and checks the header, and nothing else.
 * @param reader belongs to the store from now on: it is closed with it, and at once when the file is refused
 * @throws FormatError naming file and tensor or key, for everything that is not exactly a GGUF file
 */
export async function openGguf(
  reader: ByteReader,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<GgufStore> {
  const file = reader.name ?? 'GGUF file';
  try {
    const header = await readGgufHeader(reader, options.signal);
    return {
      ...header,
      name: file,
      async read(tensorName, signal) {
        const tensor = header.tensors.get(tensorName);
        if (!tensor) throw missingTensor(tensorName, header.tensors.keys(), file);
        const { name, type, shape, byteOffset, byteLength } = tensor;
        return { name, type, shape, bytes: await readExactly(reader, byteOffset, byteLength, signal), file };
      },
      close: async () => reader.close?.(),
    };
  } catch (error) {
    await reader.close?.();
    throw error;
  }
}

/** With the nearest name when one is near. */
export function missingTensor(tensor: string, names: Iterable<string>, file: string): FormatError {
  const advice = didYouMean(tensor, names) || '; check that metadata and tensors belong together';
  const problem = `tensor ${show(tensor)} is required, the file has none of that name`;
  return new FormatError('missing-tensor', `[gguf] ${showName(file)}: ${problem}${advice}`, { file, tensor });
}
