/** The few wire forms of protocol buffers that event files need: fields as bytes, one after the other. */

const [VARINT, FIXED64, LENGTH, FIXED32] = [0, 1, 2, 5] as const;

/** A non-negative whole number up to 2^53, seven bits a byte, lowest first. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low + 128 : low);
  } while (rest > 0);
  return Uint8Array.from(bytes);
}

const key = (field: number, form: number): Uint8Array => varint(field * 8 + form);

export const wholeField = (field: number, value: number): Uint8Array =>
  join([key(field, VARINT), varint(value)]);

export function doubleField(field: number, value: number): Uint8Array {
  return join([key(field, FIXED64), doubles([value])]);
}

export function floatField(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return join([key(field, FIXED32), bytes]);
}

/** Repeated doubles in one field. */
export const packedDoubles = (field: number, values: readonly number[]): Uint8Array =>
  bytesField(field, doubles(values));

/** A message inside another one, or raw bytes. */
export const bytesField = (field: number, bytes: Uint8Array): Uint8Array =>
  join([key(field, LENGTH), varint(bytes.length), bytes]);

export const textField = (field: number, text: string): Uint8Array =>
  bytesField(field, new TextEncoder().encode(text));

export function join(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function doubles(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setFloat64(8 * i, value, true);
  return bytes;
}
