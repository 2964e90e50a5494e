// TQ2_0: 256 ternary elements in 66 bytes. Each half of 128 has 32 bytes; byte j holds elements j, j + 32, j + 64 and
// j + 96 of it as -1, 0, 1 plus 1, from the lowest bits up. The scale stands last.
import { type BlockCodec, roundedProduct } from './codec.ts';

const HALVES = [0, 1];

export const tq2_0: BlockCodec = {
  elements: 256,
  bytes: 66,
  scaleAt: 64,
  decode(bytes, at, out, to, scale) {
    for (let i = 0; i < 64; i++) {
      const byte = bytes[at + i]!;
      const first = to + (i >>> 5) * 128 + (i & 31);
      out[first] = ((byte & 3) - 1) * scale;
      out[first + 32] = (((byte >>> 2) & 3) - 1) * scale;
      out[first + 64] = (((byte >>> 4) & 3) - 1) * scale;
      out[first + 96] = ((byte >>> 6) - 1) * scale;
    }
  },
  encoder: {
    largestCode: 1,
    encode(values, from, inverse, bytes, at) {
      for (const half of HALVES) {
        for (let j = 0; j < 32; j++) {
          let byte = 0;
          for (let group = 0; group < 4; group++) {
            const value = values[from + half * 128 + group * 32 + j]!;
            byte |= (roundedProduct(value, inverse) + 1) << (2 * group);
          }
          bytes[at + half * 32 + j] = byte;
        }
      }
    },
  },
};
