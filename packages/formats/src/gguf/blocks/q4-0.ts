// Q4_0: 32 elements in 18 bytes, the scale and then 16 bytes. Byte j holds element j in its lower half and element j + 16
// in its upper half, each plus 8.
import type { BlockCodec } from './codec.ts';

export const q4_0: BlockCodec = {
  elements: 32,
  bytes: 18,
  scaleAt: 0,
  decode(bytes, at, out, to, scale) {
    for (let j = 0; j < 16; j++) {
      const byte = bytes[at + 2 + j]!;
      out[to + j] = ((byte & 15) - 8) * scale;
      out[to + j + 16] = ((byte >>> 4) - 8) * scale;
    }
  },
};
