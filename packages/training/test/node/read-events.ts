/** Event files read back, by the format alone: TFRecord framing with its checksums, and the protocol buffers inside. */

export interface ReadEvent {
  readonly step: number;
  readonly time: number;
  readonly version?: string;
  /** SessionLog START: the run goes on here. */
  readonly starts?: boolean;
  readonly scalars: Readonly<Record<string, number>>;
  readonly texts: Readonly<Record<string, string>>;
  /** Number of values. */
  readonly histograms: Readonly<Record<string, number>>;
}

/** Throws at a record that is cut or damaged. */
export function readEvents(bytes: Uint8Array): readonly ReadEvent[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const events: ReadEvent[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(view.getBigUint64(at, true));
    const payload = bytes.subarray(at + 12, at + 12 + length);
    if (payload.length < length) throw new Error(`the record at ${at} is cut`);
    const sums = [view.getUint32(at + 8, true), view.getUint32(at + 12 + length, true)];
    if (sums[0] !== checksum(bytes.subarray(at, at + 8)) || sums[1] !== checksum(payload))
      throw new Error(`the record at ${at} is damaged`);
    events.push(eventOf(payload));
    at += 16 + length;
  }
  return events;
}

function checksum(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

interface Field {
  readonly field: number;
  readonly number: number;
  readonly bytes: Uint8Array;
}

function fieldsOf(bytes: Uint8Array): readonly Field[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const none = new Uint8Array();
  while (at < bytes.length) {
    const key = varint();
    const field = key >> 3;
    if ((key & 7) === 0) fields.push({ field, number: varint(), bytes: none });
    else if ((key & 7) === 1) {
      fields.push({ field, number: view.getFloat64(at, true), bytes: none });
      at += 8;
    } else if ((key & 7) === 5) {
      fields.push({ field, number: view.getFloat32(at, true), bytes: none });
      at += 4;
    } else {
      const length = varint();
      fields.push({ field, number: 0, bytes: bytes.subarray(at, at + length) });
      at += length;
    }
  }
  return fields;
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const find = (fields: readonly Field[], wanted: number) => fields.find(({ field }) => field === wanted);

function eventOf(bytes: Uint8Array): ReadEvent {
  const fields = fieldsOf(bytes);
  const scalars: Record<string, number> = {};
  const texts: Record<string, string> = {};
  const histograms: Record<string, number> = {};
  for (const { bytes: value } of fieldsOf(find(fields, 5)?.bytes ?? new Uint8Array())) {
    const parts = fieldsOf(value);
    const tag = text(find(parts, 1)!.bytes);
    const [scalar, histogram, tensor] = [2, 5, 8].map((field) => find(parts, field));
    if (scalar) scalars[tag] = scalar.number;
    if (histogram) histograms[tag] = find(fieldsOf(histogram.bytes), 3)!.number;
    if (tensor) texts[tag] = text(find(fieldsOf(tensor.bytes), 8)!.bytes);
  }
  const version = find(fields, 3);
  const session = find(fields, 7);
  return {
    step: find(fields, 2)?.number ?? 0,
    time: find(fields, 1)!.number,
    ...(version && { version: text(version.bytes) }),
    ...(session && { starts: find(fieldsOf(session.bytes), 1)?.number === 1 }),
    ...{ scalars, texts, histograms },
  };
}
