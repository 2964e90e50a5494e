// Bytes to text and back, strictly: a byte that is not UTF-8 is an error, never a replacement character.
import { showName } from './display.ts';
import { FormatError } from './errors.ts';

export interface Utf8Options {
  /** Stands in square brackets in the message. */
  readonly label: string;
  readonly file: string;
  /** Drop a byte order mark at the start. The default keeps it, as a character that JSON refuses. */
  readonly dropMark?: boolean;
}

/** @throws FormatError `encoding` with the offset of the first byte that is not UTF-8. */
export function decodeUtf8(bytes: Uint8Array, options: Utf8Options): string {
  // TextDecoder in browsers refuses shared memory, so that is copied first.
  const own = bytes.buffer instanceof ArrayBuffer ? bytes : new Uint8Array(bytes);
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: options.dropMark !== true });
  try {
    return decoder.decode(own);
  } catch (cause) {
    throw new FormatError(
      'encoding',
      `[${options.label}] ${showName(options.file)}: the text must be UTF-8, byte ${firstInvalidByte(own)} is not; ` +
        'save it as UTF-8, or fetch the file again if it was damaged',
      { file: options.file, cause },
    );
  }
}

export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** True where text has half of a surrogate pair alone: such text has no UTF-8 form. */
export function hasLoneSurrogate(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}

/** Bisects with a streaming decoder, so that no second decoder has to be kept in agreement with the first. */
function firstInvalidByte(bytes: Uint8Array): number {
  let valid = 0;
  let invalid = bytes.length;
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >>> 1;
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, middle), { stream: true });
      valid = middle;
    } catch {
      invalid = middle;
    }
  }
  return valid;
}
