/**
 * Bytes to text, strictly: invalid UTF-8 and NUL bytes are errors that name the byte, whatever the chunk boundaries.
 * A byte order mark at the start is dropped; nothing else is changed.
 */
import { TextError } from '../errors.ts';

export interface Utf8Decoder {
  /** The text of all characters complete so far. */
  push(chunk: Uint8Array): string;
  /** Throws when the last character is incomplete. */
  end(): void;
}

export function createUtf8Decoder(file: string): Utf8Decoder {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let carried: Uint8Array = new Uint8Array(0);
  let offset = 0;
  let start: Uint8Array | undefined;

  const fail = (byte: number, what: string): never => {
    const seen = start ?? new Uint8Array(0);
    throw new TextError(
      'not-text',
      { file, byte },
      `${what} at byte ${byte}: this is not UTF-8 text`,
      advice(seen),
    );
  };

  const decode = (bytes: Uint8Array): string => {
    const zero = bytes.indexOf(0);
    const checked = zero < 0 ? bytes : bytes.subarray(0, zero);
    let text = '';
    try {
      text = decoder.decode(checked);
    } catch {
      const invalid = firstInvalid(checked);
      // Before a NUL even a valid but incomplete character is invalid, and its first byte is named.
      return fail(offset + invalid, 'invalid UTF-8');
    }
    if (zero >= 0) fail(offset + zero, 'a NUL byte');
    const marked = offset === 0 && text.startsWith('\uFEFF');
    offset += bytes.length;
    return marked ? text.slice(1) : text;
  };

  return {
    push(chunk) {
      const bytes = carried.length === 0 ? chunk : joined(carried, chunk);
      // Copies, and not by slice, which in a Node Buffer is a view: the producer may reuse its chunk.
      start ??= new Uint8Array(bytes.subarray(0, 4));
      const complete = bytes.length - incompleteTail(bytes);
      carried = new Uint8Array(bytes.subarray(complete));
      return complete === 0 ? '' : decode(bytes.subarray(0, complete));
    },
    end() {
      if (carried.length > 0) fail(offset, 'an incomplete UTF-8 character');
    },
  };
}

/** Number of bytes at the end (0 to 3) that begin a character without completing it. */
function incompleteTail(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte >= 0xc0) return sequenceLength(byte) > back ? back : 0;
    if (byte < 0x80) return 0;
  }
  return 0;
}

/** By the first byte; 1 also for bytes that begin nothing. */
function sequenceLength(first: number): number {
  if (first >= 0xf0 && first <= 0xf4) return 4;
  if (first >= 0xe0 && first < 0xf0) return 3;
  return first >= 0xc2 && first < 0xe0 ? 2 : 1;
}

/** Offset of the first byte of the first ill-formed sequence (Unicode 15, table 3-7); the length when there is none. */
export function firstInvalid(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at]!;
    const length = sequenceLength(first);
    if (length === 1) {
      if (first >= 0x80) return at;
      at++;
      continue;
    }
    // The second byte's range shuts out overlong forms, surrogates and what lies above U+10FFFF.
    const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    const second = bytes[at + 1] ?? -1;
    if (second < low || second > high) return at;
    for (let next = 2; next < length; next++) {
      if (((bytes[at + next] ?? 0) & 0xc0) !== 0x80) return at;
    }
    at += length;
  }
  return at;
}

function joined(left: Uint8Array, right: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(left.length + right.length);
  bytes.set(left);
  bytes.set(right, left.length);
  return bytes;
}

function advice(start: Uint8Array): string {
  const [first, second, third, fourth] = start;
  if (first === 0x1f && second === 0x8b) return 'it is gzip: let the name end in .gz';
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
    return 'it is UTF-16: save it as UTF-8';
  if (first === 0x50 && second === 0x4b) return 'it is a zip archive: unpack it';
  if (first === 0x50 && second === 0x41 && third === 0x52 && fourth === 0x31)
    return 'it is Parquet: export it as JSONL';
  return 'give plain text saved as UTF-8';
}
