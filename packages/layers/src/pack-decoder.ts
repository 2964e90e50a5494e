/**
 * The linear layers of a decoder in the form of packed.ts, made once from its weights. What is ternary is rounded by the
 * device, as it is for every dense product, so that both forms have the same weights to the last one.
 */
import {
  byteLength,
  cast,
  type Device,
  hasKernel,
  keep,
  NonFiniteError,
  noGrad,
  type Param,
  permute,
  roundTo,
  scope,
  type Tensor,
  tensor,
  ValueError,
} from '@qsparse/core';
import { packTernary, sparseGemvOp, ternarize, ternaryGemvOp } from '@qsparse/quantizers';
import { type DecoderConfig, siteWidths, sparsityAt } from './config.ts';
import type { Decoder, DecoderBlock } from './decoder.ts';
import { disposeVocabulary, packVocabulary } from './pack-vocabulary.ts';
import type { PackedBlock, PackedDecoder, PackedLinear, PackedVocabulary } from './packed.ts';

export interface PackOptions {
  /** Of weights that are not ternary; bf16 rounds them. Default: what the model computes in. */
  readonly weights?: 'f32' | 'bf16' | undefined;
  /**
   * Embedding and head; int8 has a scale a row, so that the head reads a quarter of the bytes, and is not exact: the
   * docs tell what is lost. Default: as they are.
   */
  readonly vocabulary?: 'int8' | undefined;
  /** An AbortSignal: throws its reason between two matrices. */
  readonly signal?: { throwIfAborted(): void } | undefined;
}

/**
 * Sequences at once up to which packed products of one token each are faster than dense ones: measured on 2 threads of the
 * CPU device. Dense ternary products round all weights first, which is what makes theirs so many.
 */
export const MOST_ROWS: Readonly<Record<'ternary' | 'plain', number>> = { ternary: 64, plain: 8 };

/**
 * For `model.packed`, and then owned by the model: a copy of its linear layers beside the weights. These must not change from
 * then on, but the sparsity may. Throws ValueError for a model with an adapter, NonFiniteError for ternary weights that are
 * not finite, and the signal's reason.
 */
export async function packDecoder(model: Decoder, options: PackOptions = {}): Promise<PackedDecoder> {
  const { blocks, config } = model;
  for (const block of blocks) requireNoAdapter(block);
  const packed = await packMatrices(config, options, (layer, matrix, { sections }) => {
    const weight = weightOf(blocks[layer]!, matrix);
    if (!weight) throw new ValueError('packDecoder', 'the decoder has packed weights alone already');
    return isTernary(config) ? packRounded(model, weight, sections) : packPlain(model, weight, options);
  });
  let vocabulary: PackedVocabulary | undefined;
  try {
    if (options.vocabulary) vocabulary = await packVocabulary(model, options);
    // Rounded once, and not again for every token.
    const isOwn = model.compute === 'f32' || vocabulary;
    const head = isOwn ? undefined : noGrad(() => scope(() => keep(cast(model.head, model.compute))));
    return packedDecoder(model.device, config, packed, { head, vocabulary, isWhole: false });
  } catch (error) {
    packed.dispose();
    disposeVocabulary(vocabulary);
    throw error;
  }
}

export type MatrixName = keyof PackedBlock;

export interface MatrixShape {
  readonly outputs: number;
  readonly inputs: number;
  /** Outputs of each of the matrices that lie under one another: query, key and value, or gate and up. */
  readonly sections: readonly number[];
}

interface PackedMatrices {
  readonly blocks: readonly PackedBlock[];
  readonly bytes: number;
  dispose(): void;
}

/** All matrices of a decoder, one after the other in its order. Throws what `pack` throws, and then none is left. */
export async function packMatrices(
  config: DecoderConfig,
  { signal }: Pick<PackOptions, 'signal'>,
  pack: (layer: number, matrix: MatrixName, shape: MatrixShape) => PackedLinear | Promise<PackedLinear>,
): Promise<PackedMatrices> {
  const { hiddenSize: d, intermediateSize: f, heads, keyValueHeads, headSize } = config;
  const [width, groups] = [heads * headSize, keyValueHeads * headSize];
  const made: PackedLinear[] = [];
  const dispose = (): void => {
    for (const { w, scales } of made) {
      w.dispose();
      scales?.dispose();
    }
  };
  const one = async (
    layer: number,
    matrix: MatrixName,
    sections: readonly number[],
    inputs: number,
  ): Promise<PackedLinear> => {
    signal?.throwIfAborted();
    const outputs = sections.reduce((sum, rows) => sum + rows, 0);
    const packed = await pack(layer, matrix, { outputs, inputs, sections });
    made.push(packed);
    return packed;
  };
  try {
    const blocks: PackedBlock[] = [];
    for (let layer = 0; layer < config.layers; layer++) {
      blocks.push({
        queryKeyValue: await one(layer, 'queryKeyValue', [width, groups, groups], d),
        output: await one(layer, 'output', [d], width),
        gateUp: await one(layer, 'gateUp', [f, f], d),
        down: await one(layer, 'down', [d], f),
      });
    }
    const bytes = made.reduce((sum, { w, scales }) => sum + bytesOf(w) + bytesOf(scales), 0);
    return { blocks, bytes, dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** With what belongs to it. */
export function packedDecoder(
  device: Device,
  config: DecoderConfig,
  { blocks, bytes, dispose }: PackedMatrices,
  { head, vocabulary, isWhole }: Pick<PackedDecoder, 'head' | 'vocabulary' | 'isWhole'>,
): PackedDecoder {
  const tables = new Set([vocabulary?.embedding, vocabulary?.head]);
  return {
    ...{ blocks, head, vocabulary, isWhole },
    prompts: isWhole || (device.caps.packedPrompts === true && isInteger(config)),
    mostRows: isTernary(config) ? MOST_ROWS.ternary : MOST_ROWS.plain,
    bytes: [...tables].reduce(
      (sum, one) => sum + bytesOf(one?.table) + bytesOf(one?.scales),
      bytes + bytesOf(head),
    ),
    dispose() {
      head?.dispose();
      disposeVocabulary(vocabulary);
      dispose();
    },
  };
}

function weightOf({ attention, feedForward }: DecoderBlock, matrix: MatrixName): Param | undefined {
  if (matrix === 'queryKeyValue' || matrix === 'output') return attention[matrix];
  return feedForward[matrix];
}

/**
 * Whether tokens come faster from packed weights: the device has the kernel, and the model is ternary, leaves inputs out or
 * computes in bf16, to which its weights would be rounded for every token.
 */
export function packsFaster({ device, config, compute }: Decoder): boolean {
  if (isTernary(config)) {
    return hasKernel(device, config.linear.activations === 'int8' ? ternaryGemvOp : sparseGemvOp);
  }
  const leavesOut = [...siteWidths(config).keys()].some(
    (site) => sparsityAt(config.linear, site).kind !== 'dense',
  );
  return (leavesOut || compute === 'bf16') && hasKernel(device, sparseGemvOp);
}

const isTernary = ({ linear }: DecoderConfig): boolean => linear.weights === 'ternary';
const isInteger = (config: DecoderConfig): boolean =>
  isTernary(config) && config.linear.activations === 'int8';

const bytesOf = (part: Tensor | undefined): number => (part ? byteLength(part.dtype, part.size) : 0);

/** f32 [outputs]: the factor of each section for all of its rows. */
export function rowScales(device: Device, factors: ArrayLike<number>, sections: readonly number[]): Tensor {
  const rows = new Float32Array(sections.reduce((sum, length) => sum + length, 0));
  let first = 0;
  for (const [i, length] of sections.entries()) {
    rows.fill(factors[i]!, first, first + length);
    first += length;
  }
  return keep(tensor(device, rows));
}

function requireNoAdapter({ attention, feedForward }: DecoderBlock): void {
  const { queryKeyValueUpdate, outputUpdate } = attention;
  const { gateUpUpdate, downUpdate } = feedForward;
  if (!queryKeyValueUpdate && !outputUpdate && !gateUpUpdate && !downUpdate) return;
  throw new ValueError(
    'packDecoder',
    'takes a model without an adapter, got one with LoRA',
    'merge it first',
  );
}

function packPlain({ compute }: Decoder, weight: Param, { weights = compute }: PackOptions): PackedLinear {
  const w = noGrad(() => scope(() => keep(cast(permute(weight, [1, 0]), weights))));
  return { kind: 'plain', w, scales: undefined };
}

/** Weights with int8 activations in 2 bits, with others in bytes. */
async function packRounded(
  { device, config, compute }: Decoder,
  weight: Param,
  sections: readonly number[],
): Promise<PackedLinear> {
  const [outputs, inputs] = weight.shape as [number, number];
  const { y, alpha } = noGrad(() => ternarize(weight, { sections }));
  try {
    const factors = await alpha.data();
    if (!factors.every(Number.isFinite)) {
      throw new NonFiniteError(
        'packDecoder',
        'weights must be finite, got NaN or infinity',
        'load them again',
      );
    }
    // In bf16 the dense product has these rounded.
    const rounded = Float64Array.from(factors);
    roundTo(compute, rounded);
    const scales = rowScales(device, rounded, sections);
    if (config.linear.activations === 'int8')
      return { kind: 'ternary', w: noGrad(() => keep(packTernary(y))), scales };
    const codes = transposed(signs(await y.data()), outputs, inputs);
    return { kind: 'plain', w: keep(tensor(device, codes, [inputs, outputs], 'i8')), scales };
  } finally {
    y.dispose();
    alpha.dispose();
  }
}

function signs(weights: ArrayLike<number>): Int8Array {
  const codes = new Int8Array(weights.length);
  for (let i = 0; i < codes.length; i++) codes[i] = Math.sign(weights[i]!);
  return codes;
}

function transposed(codes: Int8Array, outputs: number, inputs: number): Int8Array {
  const result = new Int8Array(codes.length);
  for (let output = 0; output < outputs; output++) {
    for (let input = 0; input < inputs; input++)
      result[input * outputs + output] = codes[output * inputs + input]!;
  }
  return result;
}
