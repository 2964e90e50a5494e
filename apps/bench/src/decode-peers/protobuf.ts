/** The wire format of protocol buffers, as far as writing an ONNX model takes it. Its own text: no schema, no reading. */

export type Bytes = Uint8Array<ArrayBuffer>;

/** Text, a nested message, or raw bytes. */
export function bytesField(number: number, value: Bytes | string): Bytes {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  return joined([bytesHead(number, bytes.length), bytes]);
}

/** What stands before `length` bytes of field `number`. */
export const bytesHead = (number: number, length: number): Bytes => varints(number * 8 + 2, length);

/** An integer of at least -1, of up to 53 bits. */
export function integerField(number: number, value: number): Bytes {
  if (value >= 0) return varints(number * 8, value);
  // Two's complement in 64 bits.
  return joined([varints(number * 8), Uint8Array.from([...new Array<number>(9).fill(255), 1])]);
}

export function floatField(number: number, value: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return joined([varints(number * 8 + 5), bytes]);
}

export function joined(parts: readonly Bytes[]): Bytes {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function varints(...values: readonly number[]): Bytes {
  const bytes: number[] = [];
  for (const value of values) {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
    bytes.push(rest);
  }
  return Uint8Array.from(bytes);
}
