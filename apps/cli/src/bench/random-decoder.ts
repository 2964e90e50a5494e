/**
 * Decoders of random weights to time. A ternary one has its linear layers in two bits alone, as a model that was loaded from
 * packed weights has: the memory of the process is then that of decoding.
 */
import type { Device } from '@qsparse/core';
import {
  type ComputeDType,
  createDecoder,
  createPackedDecoder,
  type Decoder,
  type DecoderConfig,
  initialize,
  type PackedOnlyOptions,
  type PackedSource,
  packDecoder,
} from '@qsparse/layers';
import { channelBytes } from '@qsparse/quantizers';

export interface RandomDecoderOptions {
  readonly compute: ComputeDType;
  /** Of packed weights that are not ternary. */
  readonly weights: 'f32' | 'bf16';
  /** Embedding and head; default: as the model computes. */
  readonly vocabulary?: 'int8' | undefined;
}

/** With `packed` set. Owned by the caller. */
export async function randomDecoder(
  device: Device,
  config: DecoderConfig,
  { compute, weights, vocabulary }: RandomDecoderOptions,
): Promise<Decoder> {
  if (config.linear.weights === 'ternary' && compute === 'f32') {
    const pool = randomCodes();
    let place = 0;
    // One for all matrices, which the device copies: as much garbage would be counted as memory of decoding.
    const buffer = new Uint8Array(largestMatrix(config));
    const source: PackedSource = (_layer, _matrix, shape) => {
      // From another place each time, so that no two matrices have the same rows.
      place += 4099;
      const bytes = buffer.subarray(0, shape.inputs * channelBytes(shape.outputs));
      repeat(pool, place % pool.length, bytes);
      return { bytes, factors: shape.sections.map(() => FACTOR) };
    };
    const rows = vocabulary && randomRows(config);
    const model = await createPackedDecoder(device, config, source, { vocabulary: rows });
    initialize(model, 1);
    return model;
  }
  const model = createDecoder(device, config, { compute, gradients: false });
  try {
    initialize(model, 1);
    model.packed = await packDecoder(model, { weights, vocabulary });
    return model;
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** About the mean size of weights that `initialize` draws. */
const FACTOR = 0.016;
/** A prime, so that rows of the same length do not meet the same bytes. */
const POOL = 1_048_583;
const PIECE_ROWS = 512;

/** A tied embedding as small as `initialize` makes it, made in pieces in one place, as the matrices are. */
function randomRows({
  vocabularySize,
  hiddenSize,
}: DecoderConfig): NonNullable<PackedOnlyOptions['vocabulary']> {
  const piece = new Int8Array(Math.min(vocabularySize, PIECE_ROWS) * hiddenSize);
  const word = words();
  function* pieces(): Generator<Int8Array> {
    for (let left = vocabularySize * hiddenSize; left > 0; left -= piece.length) {
      const here = piece.subarray(0, left);
      for (let i = 0; i < here.length; i++) here[i] = word() >> 24;
      yield here;
    }
  }
  const scales = new Float32Array(vocabularySize).fill(FACTOR / 64);
  return { embedding: { codes: pieces(), scales } };
}

/** Bytes of four codes 0, 1 or 2 each. */
function randomCodes(): Uint8Array {
  const word = words();
  const code = (): number => (word() >>> 0) % 3;
  return Uint8Array.from({ length: POOL }, () => code() | (code() << 2) | (code() << 4) | (code() << 6));
}

/** 32 bits each, the same in every run (xorshift). */
function words(): () => number {
  let state = 88_675_123;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  };
}

function largestMatrix({
  hiddenSize,
  intermediateSize,
  heads,
  keyValueHeads,
  headSize,
}: DecoderConfig): number {
  return Math.max(
    hiddenSize * channelBytes((heads + 2 * keyValueHeads) * headSize),
    heads * headSize * channelBytes(hiddenSize),
    hiddenSize * channelBytes(2 * intermediateSize),
    intermediateSize * channelBytes(hiddenSize),
  );
}

/** Fills `bytes` with the pool, again and again, beginning at a place of it. */
function repeat(pool: Uint8Array, from: number, bytes: Uint8Array): void {
  for (let at = 0, start = from; at < bytes.length; start = 0) {
    const part = pool.subarray(start, start + bytes.length - at);
    bytes.set(part, at);
    at += part.length;
  }
}
