/** TFRecord framing: length, its checksum, the bytes, their checksum; CRC-32C with TensorFlow's mask. */
import { join } from './protobuf.ts';

/** Castagnoli's polynomial, bits reversed. */
const POLYNOMIAL = 0x82f63b78;
const MASK = 0xa282ead8;

const TABLE = /* @__PURE__ */ Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc;
});

/** CRC-32C (RFC 3720, appendix B.4). */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff]!;
  return (crc ^ 0xffffffff) >>> 0;
}

function masked(bytes: Uint8Array): Uint8Array {
  const crc = crc32c(bytes);
  const word = new Uint8Array(4);
  new DataView(word.buffer).setUint32(0, ((crc >>> 15) | (crc << 17)) + MASK, true);
  return word;
}

export function record(bytes: Uint8Array): Uint8Array {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(bytes.length), true);
  return join([length, masked(length), bytes, masked(bytes)]);
}
