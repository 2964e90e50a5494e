/**
 * Ternary weights for decoding with skipped channels: each input channel is one run of bytes, so that a channel
 * that is not active is not read. Files use other packings (pack-hf-bitnet.ts).
 *
 * Layout of W [outputs, inputs], with blocks = ceil(outputs / 256): bytes [inputs][blocks][64]. Bits 2j and 2j+1
 * (j = 0 … 3) of byte b in block n hold the code of output 256 n + 64 j + b; a code is value + 1. Outputs past the
 * last one are zeros, code 1.
 */
import { requireLength, requireMatrix, ternaryCode, ternaryValue } from './packing.ts';

const BLOCK = 256;
const BLOCK_BYTES = 64;
/** Channels that are packed at a time. */
const TILE = 64;

/** Bytes of one input channel: 64 for each 256 outputs begun. */
export function channelBytes(outputs: number): number {
  return Math.ceil(outputs / BLOCK) * BLOCK_BYTES;
}

/**
 * Packs W [outputs, inputs], row-major with elements -1, 0, 1, into inputs · channelBytes(outputs) bytes.
 *
 * @throws ShapeError for a wrong length, ValueError for any other element.
 */
export function packChannelMajor(w: ArrayLike<number>, outputs: number, inputs: number): Uint8Array {
  requireMatrix('packChannelMajor', outputs, inputs);
  requireLength('packChannelMajor', 'w', w.length, outputs * inputs);
  const stride = channelBytes(outputs);
  const packed = new Uint8Array(inputs * stride);
  // A square of 64 bytes by 64 channels at a time: both sides of the transpose then stay in the first cache.
  for (let column = 0; column < stride; column += BLOCK_BYTES) {
    for (let first = 0; first < inputs; first += TILE) {
      const last = Math.min(first + TILE, inputs);
      for (let output = 4 * column; output < 4 * column + BLOCK; output++) {
        const { byte, shift } = placeOf(output);
        for (let input = first; input < last; input++) {
          const code = output < outputs ? ternaryCode('packChannelMajor', w, output * inputs + input) : 1;
          packed[input * stride + byte]! |= code << shift;
        }
      }
    }
  }
  return packed;
}

/**
 * The W [outputs, inputs], row-major, that `packChannelMajor` packed.
 *
 * @throws ShapeError for a wrong length, ValueError for a code 3.
 */
export function unpackChannelMajor(packed: Uint8Array, outputs: number, inputs: number): Int8Array {
  requireMatrix('unpackChannelMajor', outputs, inputs);
  const stride = channelBytes(outputs);
  requireLength('unpackChannelMajor', 'packed', packed.length, inputs * stride);
  const w = new Int8Array(outputs * inputs);
  for (let output = 0; output < outputs; output++) {
    const { byte, shift } = placeOf(output);
    for (let input = 0; input < inputs; input++) {
      const at = input * stride + byte;
      w[output * inputs + input] = ternaryValue('unpackChannelMajor', (packed[at]! >> shift) & 3, at);
    }
  }
  return w;
}

/** Byte within the channel and first bit of an output. */
export function placeOf(output: number): { byte: number; shift: number } {
  const inBlock = output % BLOCK;
  const byte = Math.floor(output / BLOCK) * BLOCK_BYTES + (inBlock % BLOCK_BYTES);
  return { byte, shift: 2 * Math.floor(inBlock / BLOCK_BYTES) };
}
