/**
 * The ternary packing of Hugging Face BitNet checkpoints (transformers, integrations/bitnet.py). Weights only: their
 * `weight_scale` multiplies or divides depending on the checkpoint's `linear_class`, which the reader decides.
 *
 * Layout of W [outputs, inputs], outputs divisible by 4, with R = outputs / 4: bytes [R][inputs]. Bits 2i and 2i+1
 * (i = 0 … 3) of byte [r, c] hold the code of W[r + i R, c]; a code is value + 1.
 */
import { ShapeError } from '@qsparse/core';
import { requireLength, requireMatrix, ternaryCode, ternaryValue } from './packing.ts';

/**
 * Packs W [outputs, inputs], row-major with elements -1, 0, 1, into outputs / 4 · inputs bytes.
 *
 * @throws ShapeError for a wrong length or outputs not divisible by 4, ValueError for any other element.
 */
export function packHfBitnet(w: ArrayLike<number>, outputs: number, inputs: number): Uint8Array {
  const quarter = requireQuarters('packHfBitnet', outputs, inputs);
  requireLength('packHfBitnet', 'w', w.length, outputs * inputs);
  const packed = new Uint8Array(quarter);
  for (let i = 0; i < w.length; i++) {
    packed[i % quarter]! |= ternaryCode('packHfBitnet', w, i) << (2 * Math.floor(i / quarter));
  }
  return packed;
}

/**
 * The W [outputs, inputs], row-major, of packed bytes [outputs / 4, inputs].
 *
 * @throws ShapeError for a wrong length or outputs not divisible by 4, ValueError for a code 3.
 */
export function unpackHfBitnet(packed: Uint8Array, outputs: number, inputs: number): Int8Array {
  const quarter = requireQuarters('unpackHfBitnet', outputs, inputs);
  requireLength('unpackHfBitnet', 'packed', packed.length, quarter);
  const w = new Int8Array(outputs * inputs);
  for (let i = 0; i < w.length; i++) {
    const code = (packed[i % quarter]! >> (2 * Math.floor(i / quarter))) & 3;
    w[i] = ternaryValue('unpackHfBitnet', code, i % quarter);
  }
  return w;
}

/** Elements of a quarter of the rows: the number of bytes, and the distance between the codes of one byte. */
function requireQuarters(where: string, outputs: number, inputs: number): number {
  requireMatrix(where, outputs, inputs);
  if (outputs % 4 === 0) return (outputs / 4) * inputs;
  throw new ShapeError(
    where,
    `outputs must be divisible by 4, got ${outputs}`,
    'this layout has no padding: use packChannelMajor()',
  );
}
