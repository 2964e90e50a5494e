// Safetensors files put together by hand, right or wrong, without the package's writer.

/** Length, header text and data; `length` overrides what the first 8 bytes claim. */
export function rawFile(
  header: string | Uint8Array,
  data: Uint8Array | number = 0,
  length?: bigint,
): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const tail = typeof data === 'number' ? new Uint8Array(data) : data;
  const file = new Uint8Array(8 + text.byteLength + tail.byteLength);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(text.byteLength), true);
  file.set(text, 8);
  file.set(tail, 8 + text.byteLength);
  return file;
}

/** One header entry. */
export function entry(name: string, dtype: unknown, shape: unknown, offsets: unknown): string {
  const fields = { dtype, shape, data_offsets: offsets };
  return `${JSON.stringify(name)}:${JSON.stringify(fields)}`;
}
