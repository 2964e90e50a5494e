/**
 * A ternary decoder that has its linear layers in packed form alone: 2 bits a weight, brought matrix by matrix, so that no
 * float of them is ever in memory. It runs, prompts too; it does not train.
 */
import { type Device, keep, NonFiniteError, ShapeError, tensor, ValueError } from '@qsparse/core';
import { channelBytes } from '@qsparse/quantizers';
import { checkConfig, type DecoderConfig } from './config.ts';
import { type Decoder, decoderOn } from './decoder.ts';
import { type MatrixName, type MatrixShape, packedDecoder, packMatrices, rowScales } from './pack-decoder.ts';
import { disposeVocabulary, type Int8Rows, int8Table } from './pack-vocabulary.ts';
import type { PackedLinear, PackedVocabulary } from './packed.ts';
import { decoderParams, isLinearWeight } from './parameters.ts';

export interface PackedWeights {
  /** inputs · channelBytes(outputs) bytes, as packChannelMajor makes them. */
  readonly bytes: Uint8Array | Int8Array;
  /** What the signs of each section are multiplied by. */
  readonly factors: readonly number[];
}

/** Called once for each matrix, in the order of the model. */
export type PackedSource = (
  layer: number,
  matrix: MatrixName,
  shape: MatrixShape,
) => PackedWeights | Promise<PackedWeights>;

export interface PackedOnlyOptions {
  /** Embedding [V, d] and, where it is not tied, head in int8; the arena then has none. Default: f32 in the arena. */
  readonly vocabulary?: { readonly embedding: Int8Rows; readonly head?: Int8Rows | undefined } | undefined;
  /** An AbortSignal: throws its reason between two matrices. */
  readonly signal?: { throwIfAborted(): void } | undefined;
}

/**
 * A decoder with `packed` set, whose arena holds embedding, norms, biases and an untied head: zeros, to be filled from a
 * checkpoint or by `initialize`. Throws ValueError for a config that is not ternary with int8 activations, ShapeError for
 * bytes or factors of another number, NonFiniteError for a factor that is not finite, and the signal's reason.
 */
export async function createPackedDecoder(
  device: Device,
  config: DecoderConfig,
  source: PackedSource,
  options: PackedOnlyOptions = {},
): Promise<Decoder> {
  checkConfig(config);
  const { weights, activations } = config.linear;
  if (weights !== 'ternary' || activations !== 'int8') {
    throw new ValueError(
      'createPackedDecoder',
      `takes ternary weights with int8 activations, got ${weights} and ${activations}`,
    );
  }
  const matrices = await packMatrices(config, options, async (layer, matrix, shape) =>
    linearOf(device, `layers.${layer} ${matrix}`, shape, await source(layer, matrix, shape)),
  );
  let vocabulary: PackedVocabulary | undefined;
  try {
    vocabulary = options.vocabulary && vocabularyOf(device, config, options.vocabulary);
    const params = decoderParams(config).filter(
      ({ name }) => !isLinearWeight(name) && !(vocabulary && /^(model\.embed_tokens|lm_head)\./.test(name)),
    );
    const model = decoderOn(device, config, { gradients: false, params });
    model.packed = packedDecoder(device, config, matrices, { head: undefined, vocabulary, isWhole: true });
    return model;
  } catch (error) {
    matrices.dispose();
    disposeVocabulary(vocabulary);
    throw error;
  }
}

function vocabularyOf(
  device: Device,
  { vocabularySize, hiddenSize, tiedEmbedding }: DecoderConfig,
  given: NonNullable<PackedOnlyOptions['vocabulary']>,
): PackedVocabulary {
  const head = tiedEmbedding ? given.embedding : given.head;
  if (!head || [given.embedding, head].some(({ scales }) => scales.length !== vocabularySize)) {
    throw new ShapeError(
      'createPackedDecoder',
      `vocabulary needs ${tiedEmbedding ? 'an embedding' : 'embedding and head'} of ${vocabularySize} rows`,
    );
  }
  const embedding = int8Table(device, given.embedding, hiddenSize);
  return { embedding, head: tiedEmbedding ? embedding : int8Table(device, head, hiddenSize) };
}

function linearOf(
  device: Device,
  name: string,
  { outputs, inputs, sections }: MatrixShape,
  { bytes, factors }: PackedWeights,
): PackedLinear {
  const stride = channelBytes(outputs);
  if (bytes.length !== inputs * stride || factors.length !== sections.length) {
    throw new ShapeError(
      'createPackedDecoder',
      `${name} needs ${inputs * stride} bytes and ${sections.length} factors, got ${bytes.length} and ${factors.length}`,
    );
  }
  if (!factors.every(Number.isFinite)) {
    throw new NonFiniteError('createPackedDecoder', `${name} needs finite factors`, 'pack the weights again');
  }
  const codes = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const w = keep(tensor(device, codes, [inputs, stride], 'i8'));
  return { kind: 'ternary', w, scales: rowScales(device, factors, sections) };
}
