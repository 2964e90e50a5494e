/** A GGUF file of the Llama family as a decoder with its weights. Tokenizers are elsewhere. */
import type { Device, RopeScaling } from '@qsparse/core';
import type { ByteReader } from '@qsparse/formats';
import {
  type GgufStore,
  ggufTensorName,
  ggufToFloat32,
  huggingFaceStore,
  type LlamaModel,
  llama3ScalingOf,
  openGguf,
  parseLlamaMetadata,
  ROPE_FACTORS,
} from '@qsparse/formats/gguf';
import {
  checkConfig,
  createDecoder,
  DENSE,
  type DecoderConfig,
  isLinearWeight,
  type SiteName,
} from '@qsparse/layers';
import { checkWeights, loadWeights } from './checkpoint.ts';
import { type PretrainedModel, type PretrainedOptions, withContext } from './pretrained.ts';

/** A file that was opened, before its weights are read. */
export interface GgufModelFile {
  readonly file: GgufStore;
  readonly llama: LlamaModel;
  readonly decoder: DecoderConfig;
}

/**
 * Reads the header. Linear layers that are all ternary (I2_S, TQ1_0, TQ2_0) make a ternary model with int8 activations, as
 * BitNet b1.58 has them.
 * @param reader belongs to the file from now on, and is closed where it is refused
 * @throws FormatError or ValueError naming file and key or tensor
 */
export async function openGgufModel(reader: ByteReader, signal?: AbortSignal): Promise<GgufModelFile> {
  const file = await openGguf(reader, { signal });
  try {
    const llama = parseLlamaMetadata(file.metadata, file.name);
    const decoder = await decoderOf(file, llama, signal);
    checkConfig(decoder);
    return { file, llama, decoder };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Loads the weights onto a device, one tensor at a time; closes the file. Throws as `loadPretrained` does. */
export async function loadGgufModel(
  { file, llama, decoder: whole }: GgufModelFile,
  device: Device,
  { compute, contextLength, onProgress, signal }: PretrainedOptions = {},
): Promise<PretrainedModel> {
  try {
    const decoder = withContext(whole, contextLength);
    const isTernary = decoder.linear.weights === 'ternary';
    const ternaryScale = isTernary ? ('multiplies' as const) : undefined;
    const store = huggingFaceStore(file, { ternary: isTernary ? 'integer' : 'float' });
    checkWeights(decoder, store, { ternaryScale });
    const model = createDecoder(device, decoder, { compute });
    try {
      await loadWeights(model, store, { ternaryScale, onProgress, signal });
    } catch (error) {
      model.dispose();
      throw error;
    }
    const config = {
      family: llama.architecture,
      decoder,
      endOfText: undefined,
      ternaryScale,
      ignoredKeys: [],
    };
    return { model, config };
  } finally {
    await file.close();
  }
}

async function decoderOf(file: GgufStore, llama: LlamaModel, signal?: AbortSignal): Promise<DecoderConfig> {
  const { architecture } = llama;
  const isBitnet = architecture.startsWith('bitnet');
  const biases = biasesOf(file);
  return {
    vocabularySize: llama.vocabularySize,
    hiddenSize: llama.hiddenSize,
    intermediateSize: llama.intermediateSize,
    layers: llama.layers,
    heads: llama.heads,
    keyValueHeads: llama.keyValueHeads,
    headSize: llama.headSize,
    contextLength: llama.contextLength,
    slidingWindow: llama.slidingWindow ?? 0,
    ropeTheta: llama.ropeTheta,
    ropeScaling: await scalingOf(file, llama, signal),
    normEpsilon: llama.normEpsilon,
    // Upstream's architecture `bitnet` is SwiGLU, those of Microsoft's fork are squared ReLU.
    activation: isBitnet && architecture !== 'bitnet' ? 'squared-relu' : 'silu',
    subLayerNorms: isBitnet,
    ...(architecture === 'qwen3' && { queryKeyNorm: true }),
    ...(biases.length > 0 && { biases }),
    tiedEmbedding: !file.tensors.has(ggufTensorName('lm_head.weight')!),
    linear: isTernary(file) ? { ...DENSE, weights: 'ternary', activations: 'int8' } : DENSE,
  };
}

const BIASES: readonly (readonly [SiteName, string])[] = [
  ['qkv', 'self_attn.q_proj'],
  ['o', 'self_attn.o_proj'],
  ['gate-up', 'mlp.gate_proj'],
  ['down', 'mlp.down_proj'],
];

function biasesOf({ tensors }: GgufStore): readonly SiteName[] {
  const has = (name: string): boolean => tensors.has(ggufTensorName(`model.layers.0.${name}.bias`)!);
  return BIASES.filter(([, name]) => has(name)).map(([site]) => site);
}

function isTernary(file: GgufStore): boolean {
  const stored = huggingFaceStore(file, { ternary: 'integer' }).tensors;
  const linear = [...stored.values()].filter(({ name }) => isLinearWeight(name));
  return linear.length > 0 && linear.every(({ dtype }) => dtype === 'i8');
}

async function scalingOf(
  file: GgufStore,
  { ropeScaling, ropeTheta, headSize }: LlamaModel,
  signal?: AbortSignal,
): Promise<RopeScaling | undefined> {
  if (!file.tensors.has(ROPE_FACTORS)) {
    if (ropeScaling?.kind !== 'yarn') return ropeScaling;
    const { betaFast, betaSlow, ...rest } = ropeScaling;
    return {
      ...rest,
      ...(betaFast !== undefined && { betaFast }),
      ...(betaSlow !== undefined && { betaSlow }),
    };
  }
  const factors = ggufToFloat32(await file.read(ROPE_FACTORS, signal));
  return { kind: 'llama3', ...llama3ScalingOf(factors, { ropeTheta, headSize }, file.name) };
}
