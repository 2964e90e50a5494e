// I2_S of Microsoft's BitNet: ternary elements at 2 bits and one float32 scale for the whole tensor, at the end. Groups of
// 128 elements, whatever the rows are, have 32 bytes; byte j holds elements j, j + 32, j + 64 and j + 96 as -1, 0, 1
// plus 1, from the highest bits down. Code 3 means nothing. This is the layout of files; other builds of that project
// arrange memory in other ways.
import type { Elements } from './codec.ts';

/** The scale of a tensor of `count` elements. */
export function i2sScale(bytes: Uint8Array, count: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getFloat32(count / 4, true);
}

/** Writes all codes times `scale`. Returns false where a code means nothing. */
export function decodeI2s(bytes: Uint8Array, out: Elements, scale: number): boolean {
  let strange = 0;
  for (let i = 0; i < out.length / 4; i++) {
    const byte = bytes[i]!;
    strange |= byte & (byte >>> 1) & 0x55;
    const first = (i >>> 5) * 128 + (i & 31);
    out[first] = ((byte >>> 6) - 1) * scale;
    out[first + 32] = (((byte >>> 4) & 3) - 1) * scale;
    out[first + 64] = (((byte >>> 2) & 3) - 1) * scale;
    out[first + 96] = ((byte & 3) - 1) * scale;
  }
  return strange === 0;
}
