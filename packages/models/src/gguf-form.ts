/**
 * A decoder as llama.cpp knows models: its metadata, its tensors, and what it computes differently.
 */
import { type RopeScaling, ValueError } from '@qsparse/core';
import {
  FILE_TYPES,
  type GgufArchitecture,
  type GgufRopeScaling,
  type GgufTensorToWrite,
  type LlamaModel,
  llama3RopeFactors,
  ROPE_FACTORS,
  type WritableType,
} from '@qsparse/formats/gguf';
import type { DecoderConfig } from '@qsparse/layers';

export interface GgufForm {
  readonly model: LlamaModel;
  /** Tensors beside the weights, under GGUF's names. */
  readonly extra: readonly GgufTensorToWrite[];
  /** What llama.cpp computes in another way than the model, each as half a sentence; empty where both are the same. */
  readonly differences: readonly string[];
  /** What else there is to know. */
  readonly notes: readonly string[];
}

/** Throws ValueError for parts (norms, activation, biases, scaling) that llama.cpp has no architecture for. */
export function ggufForm(
  config: DecoderConfig,
  { type, name }: { readonly type: WritableType; readonly name?: string | undefined },
): GgufForm {
  const { ropeScaling, headSize, ropeTheta, linear } = config;
  if (type.startsWith('TQ') && linear.weights !== 'ternary')
    throw new ValueError(
      'export',
      `${type} holds ternary weights, those of this model are full`,
      'choose Q8_0 or F16',
    );
  const architecture = architectureOf(config);
  const isLlama3 = ropeScaling?.kind === 'llama3';
  return {
    model: {
      architecture,
      name,
      vocabularySize: config.vocabularySize,
      hiddenSize: config.hiddenSize,
      intermediateSize: config.intermediateSize,
      layers: config.layers,
      heads: config.heads,
      keyValueHeads: config.keyValueHeads,
      headSize,
      contextLength: config.contextLength,
      normEpsilon: config.normEpsilon,
      ropeTheta,
      ropeScaling: isLlama3 ? undefined : scalingOf(ropeScaling),
      slidingWindow: config.slidingWindow,
      fileType: FILE_TYPES[type],
    },
    extra: isLlama3
      ? [
          {
            name: ROPE_FACTORS,
            type: 'F32',
            shape: [headSize / 2],
            data: llama3RopeFactors(ropeScaling, { ropeTheta, headSize }),
          },
        ]
      : [],
    differences: differencesOf(config),
    notes:
      architecture === 'bitnet-b1.58'
        ? ["architecture bitnet-b1.58 is read by Microsoft's bitnet.cpp, not by llama.cpp"]
        : [],
  };
}

function architectureOf(config: DecoderConfig): GgufArchitecture {
  const { activation, subLayerNorms, queryKeyNorm, biases = [], tiedEmbedding } = config;
  const lacks = (what: string): never => {
    throw new ValueError('export', `llama.cpp has no architecture with ${what}`, 'export it as safetensors');
  };
  if (activation === 'relu' || activation === 'drelu') lacks('gates of ReLU');
  if (subLayerNorms) {
    if (queryKeyNorm || biases.length > 0) lacks('sub-layer norms beside biases or norms of heads');
    if (!tiedEmbedding) lacks('sub-layer norms and a head of its own');
    return activation === 'silu' ? 'bitnet' : 'bitnet-b1.58';
  }
  if (activation !== 'silu') lacks('squared ReLU and without sub-layer norms');
  if (queryKeyNorm) return biases.length > 0 ? lacks('norms of heads and biases') : 'qwen3';
  return biases.length === 1 && biases[0] === 'qkv' ? 'qwen2' : 'llama';
}

function scalingOf(scaling: RopeScaling | undefined): GgufRopeScaling | undefined {
  if (!scaling) return undefined;
  if (scaling.kind === 'linear') return scaling;
  const plain = ['kind', 'factor', 'originalLength', 'betaFast', 'betaSlow'];
  const others = Object.entries(scaling).filter(
    ([key, value]) => value !== undefined && !plain.includes(key),
  );
  if (scaling.kind === 'yarn' && others.length === 0) {
    const { kind, factor, originalLength, betaFast, betaSlow } = scaling;
    return { kind, factor, originalLength, betaFast, betaSlow };
  }
  const what = scaling.kind === 'yarn' ? others.map(([key]) => key).join(', ') : scaling.kind;
  throw new ValueError('export', `GGUF has no rope scaling with ${what}`, 'export it as safetensors');
}

function differencesOf({ linear, slidingWindow, contextLength }: DecoderConfig): readonly string[] {
  const { sparsity, sparsityBySite, activations, rescale } = linear;
  const selects = [sparsity, ...Object.values(sparsityBySite ?? {})].some(({ kind }) => kind !== 'dense');
  return [
    ...(selects ? ['all inputs of linear layers are used: there is no selection of the largest'] : []),
    ...(rescale !== 'none' ? ['inputs are not rescaled after selection'] : []),
    ...(activations === 'int8' ? ['activations are not rounded to int8 by token'] : []),
    ...(slidingWindow > 0 && slidingWindow < contextLength
      ? [`attention reaches beyond the sliding window of ${slidingWindow} tokens`]
      : []),
  ];
}
