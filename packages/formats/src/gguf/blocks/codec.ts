// What the block formats of ggml have in common: each block has a float16 scale, and its codes times the scale are the
// elements. A codec knows where the scale is and how the codes lie; everything else is here, done once.
import { f16ToF32, f32ToF16 } from '../../safetensors/half.ts';

/** Where codes are written to: float32, or small integers where the scale is left out. */
export type Elements = Float32Array | Int8Array;

export interface BlockCodec {
  readonly elements: number;
  readonly bytes: number;
  /** Where the float16 scale is in a block. */
  readonly scaleAt: number;
  /** Writes `elements` codes times `scale` from `to` on. */
  decode(bytes: Uint8Array, at: number, out: Elements, to: number, scale: number): void;
  /** Where it can be written too. */
  readonly encoder?: BlockEncoder;
}

export interface BlockEncoder {
  /** The code of a block's largest magnitude: the scale is this magnitude divided by it. */
  readonly largestCode: number;
  /** Writes the codes of `elements` values from `from` on; `inverse` is 1 / scale. */
  encode(values: Float32Array, from: number, inverse: number, bytes: Uint8Array, at: number): void;
}

/** The scales of all blocks. */
export function blockScales(codec: BlockCodec, bytes: Uint8Array): Float32Array {
  const bits = new Uint16Array(bytes.length / codec.bytes);
  for (let block = 0, at = codec.scaleAt; block < bits.length; block++, at += codec.bytes) {
    bits[block] = bytes[at]! | (bytes[at + 1]! << 8);
  }
  return f16ToF32(bits);
}

export function decodeBlocks(codec: BlockCodec, bytes: Uint8Array, out: Float32Array): void {
  const scales = blockScales(codec, bytes);
  for (let block = 0; block < scales.length; block++) {
    codec.decode(bytes, block * codec.bytes, out, block * codec.elements, scales[block]!);
  }
}

/**
 * As ggml's reference does it, in float32: scale = largest magnitude / largest code, codes from the scale before it is
 * rounded to float16. Returns the index of the first block that cannot be written, because of an element that is not
 * finite or a scale beyond float16; otherwise undefined.
 */
export function encodeBlocks(
  codec: BlockCodec,
  { largestCode, encode }: BlockEncoder,
  values: Float32Array,
  bytes: Uint8Array,
): number | undefined {
  const scales = new Float32Array(values.length / codec.elements);
  for (let block = 0; block < scales.length; block++) {
    scales[block] = largestMagnitude(values, block * codec.elements, codec.elements) / largestCode;
  }
  const bits = f32ToF16(scales);
  for (let block = 0; block < scales.length; block++) {
    if (bits[block]! >= F16_INFINITY) return block;
    const inverse = Math.fround(1 / scales[block]!);
    const at = block * codec.bytes;
    // A scale of 0, or one so small that float16 holds 0 and 1 / scale is beyond float32: all codes are 0.
    encode(values, block * codec.elements, inverse < Infinity ? inverse : 0, bytes, at);
    bytes[at + codec.scaleAt] = bits[block]! & 0xff;
    bytes[at + codec.scaleAt + 1] = bits[block]! >>> 8;
  }
  return undefined;
}

/** To the nearest integer, halves away from zero, of a product in float32. */
export function roundedProduct(value: number, inverse: number): number {
  const product = Math.fround(value * inverse);
  return product < 0 ? -Math.floor(0.5 - product) : Math.floor(product + 0.5);
}

const F16_INFINITY = 0x7c00;

/** NaN when one element is. */
function largestMagnitude(values: Float32Array, from: number, count: number): number {
  let largest = 0;
  for (let i = from; i < from + count; i++) largest = Math.max(largest, Math.abs(values[i]!));
  return largest;
}
