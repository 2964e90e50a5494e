// Q8_0: 32 elements in 34 bytes, the scale and then a signed byte for each.
import { type BlockCodec, roundedProduct } from './codec.ts';

const ELEMENTS = 32;
const CODES_AT = 2;

export const q8_0: BlockCodec = {
  elements: ELEMENTS,
  bytes: 34,
  scaleAt: 0,
  decode(bytes, at, out, to, scale) {
    for (let i = 0; i < ELEMENTS; i++) out[to + i] = ((bytes[at + CODES_AT + i]! << 24) >> 24) * scale;
  },
  encoder: {
    largestCode: 127,
    encode(values, from, inverse, bytes, at) {
      for (let i = 0; i < ELEMENTS; i++)
        bytes[at + CODES_AT + i] = roundedProduct(values[from + i]!, inverse);
    },
  },
};
