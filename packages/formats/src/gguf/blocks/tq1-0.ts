// TQ1_0: 256 ternary elements in 54 bytes, five to a byte. A byte is a fraction in base 3: digits t + 1 from the most
// significant one on make a number v below 243, stored as ceil(256 v / 243), so that each digit comes out on top when
// the byte is multiplied by 3. The scale stands last.
import { type BlockCodec, roundedProduct } from './codec.ts';

/** Byte `first + j` holds elements `from + j`, `from + j + stride` and so on. */
interface Part {
  readonly first: number;
  readonly from: number;
  readonly stride: number;
  readonly digits: 4 | 5;
}

const PARTS: readonly Part[] = [
  { first: 0, from: 0, stride: 32, digits: 5 },
  { first: 32, from: 160, stride: 16, digits: 5 },
  { first: 48, from: 240, stride: 4, digits: 4 },
];

export const tq1_0: BlockCodec = {
  elements: 256,
  bytes: 54,
  scaleAt: 52,
  decode(bytes, at, out, to, scale) {
    for (const { first, from, stride, digits } of PARTS) {
      for (let j = 0; j < stride; j++) {
        let fraction = bytes[at + first + j]!;
        for (let digit = 0; digit < digits; digit++) {
          fraction = (fraction & 0xff) * 3;
          out[to + from + digit * stride + j] = ((fraction >>> 8) - 1) * scale;
        }
      }
    }
  },
  encoder: {
    largestCode: 1,
    encode(values, from, inverse, bytes, at) {
      for (const part of PARTS) {
        for (let j = 0; j < part.stride; j++) {
          let number = 0;
          for (let digit = 0; digit < 5; digit++) {
            const value = values[from + part.from + digit * part.stride + j]!;
            // The last part leaves its fifth digit 0.
            const trit = digit < part.digits ? roundedProduct(value, inverse) + 1 : 0;
            number = number * 3 + trit;
          }
          bytes[at + part.first + j] = Math.floor((number * 256 + 242) / 243);
        }
      }
    },
  },
};
