// GGUF headers put together by hand, right or wrong, without the package's writer.

export type Part = Uint8Array;

export const u8 = (value: number): Part => Uint8Array.of(value);
export const u32 = (value: number): Part => number(4, (view) => view.setUint32(0, value, true));
export const u64 = (value: number | bigint): Part =>
  number(8, (view) => view.setBigUint64(0, BigInt(value), true));
export const bytes = (count: number): Part => new Uint8Array(count);

/** Length and UTF-8. */
export function text(value: string): Part {
  const encoded = new TextEncoder().encode(value);
  return join(u64(encoded.length), encoded);
}

export function join(...parts: Part[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A u32 under a key. */
export const entry = (key: string, value: number): Part => join(text(key), u32(4), u32(value));

export interface RawTensor {
  readonly name?: string;
  /** As in the file: the size of a row first. */
  readonly sizes?: readonly (number | bigint)[];
  readonly type?: number;
  readonly offset?: number | bigint;
  readonly rank?: number;
}

export function tensor({ name = 't', sizes = [8], type = 0, offset = 0, rank }: RawTensor = {}): Part {
  return join(text(name), u32(rank ?? sizes.length), ...sizes.map(u64), u32(type), u64(offset));
}

export interface RawGguf {
  readonly magic?: string;
  readonly version?: number;
  readonly tensorCount?: number | bigint;
  readonly entryCount?: number | bigint;
  readonly entries?: readonly Part[];
  readonly tensors?: readonly Part[];
  readonly alignment?: number;
  /** Bytes after the padded header. */
  readonly data?: number;
}

export function rawGguf(file: RawGguf): Uint8Array<ArrayBuffer> {
  const { entries = [], tensors = [], alignment = 32 } = file;
  const header = join(
    new TextEncoder().encode(file.magic ?? 'GGUF'),
    u32(file.version ?? 3),
    u64(file.tensorCount ?? tensors.length),
    u64(file.entryCount ?? entries.length),
    ...entries,
    ...tensors,
  );
  return join(header, bytes((alignment - (header.length % alignment)) % alignment), bytes(file.data ?? 0));
}

function number(size: number, write: (view: DataView) => void): Part {
  const part = new Uint8Array(size);
  write(new DataView(part.buffer));
  return part;
}
