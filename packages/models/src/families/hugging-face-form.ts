/**
 * A decoder as one of the classes of transformers: the config.json that makes it, and what that class does differently.
 * Every candidate is read back by our own families, so that a config that says something else is never given.
 */

import { ValueError } from '@qsparse/core';
import { FormatError, type JsonObject } from '@qsparse/formats';
import { DENSE, type DecoderConfig } from '@qsparse/layers';
import { parseModelConfig } from '../config.ts';
import { formatRopeScaling } from '../rope-scaling.ts';
import { ternaryKeys } from '../ternary-config.ts';
import { FULL, formatActivation, formatSizes, SLIDING } from './hugging-face.ts';
import { formatModelConfig, type TextEnds } from './qsparse.ts';

export interface HuggingFaceFormOptions extends TextEnds {
  /** Ternary weights are stored four to a byte, beside their scale. */
  readonly packed?: boolean | undefined;
  /** Of the stored floats, in torch's words; default `float32`. */
  readonly dtype?: string | undefined;
}

export interface HuggingFaceForm {
  /** `LlamaForCausalLM` for one. */
  readonly architecture: string;
  /** The whole config.json. */
  readonly json: JsonObject;
  /** What the class computes in another way than the model, each as half a sentence; empty where both are the same. */
  readonly differences: readonly string[];
}

interface Class {
  readonly modelType: string;
  readonly architecture: string;
  /** What only this class has in its config. */
  own(config: DecoderConfig): JsonObject;
}

const attentionBias = ({ biases = [] }: DecoderConfig): boolean => biases.includes('o');

/** The first that fits is taken. */
const CLASSES: readonly Class[] = [
  {
    modelType: 'llama',
    architecture: 'LlamaForCausalLM',
    own: (config) => ({
      attention_bias: attentionBias(config),
      mlp_bias: (config.biases ?? []).includes('down'),
    }),
  },
  {
    modelType: 'mistral',
    architecture: 'MistralForCausalLM',
    own: ({ slidingWindow }) => ({ sliding_window: slidingWindow > 0 ? slidingWindow : null }),
  },
  { modelType: 'qwen2', architecture: 'Qwen2ForCausalLM', own: (config) => qwenWindow(config) },
  {
    modelType: 'qwen3',
    architecture: 'Qwen3ForCausalLM',
    own: (config) => ({ ...qwenWindow(config), attention_bias: attentionBias(config) }),
  },
  {
    modelType: 'bitnet',
    architecture: 'BitNetForCausalLM',
    own: (config) => ({ attention_bias: attentionBias(config) }),
  },
];

/**
 * The class that computes what the model computes, but for its `differences`. Throws ValueError where none has its parts
 * (norms, biases, windows) together, or for `packed` without ternary weights.
 */
export function huggingFaceForm(
  config: DecoderConfig,
  { packed = false, dtype = 'float32', beginOfText, endOfText }: HuggingFaceFormOptions = {},
): HuggingFaceForm {
  const isTernary = config.linear.weights === 'ternary';
  if (packed && !isTernary)
    throw new ValueError(
      'export',
      'packed weights must be ternary, those of this model are full',
      'leave --packed out',
    );
  const wanted: DecoderConfig = {
    ...config,
    linear: { ...DENSE, weights: config.linear.weights, activations: isTernary ? 'int8' : 'full' },
  };
  for (const { modelType, architecture, own } of CLASSES) {
    const json: JsonObject = {
      architectures: [architecture],
      model_type: modelType,
      ...sharedKeys(wanted),
      ...own(wanted),
      ...(beginOfText !== undefined && { bos_token_id: beginOfText }),
      ...(endOfText !== undefined && { eos_token_id: endOfText }),
      torch_dtype: dtype,
      ...(isTernary && { quantization_config: ternaryKeys(packed) }),
    };
    if (says(json, wanted)) return { architecture, json, differences: differencesOf(config) };
  }
  throw new ValueError(
    'export',
    `a class of transformers with ${partsOf(config)} is required, there is none`,
    'the model stays a Q-Sparse folder, or is trained without some of them',
  );
}

function sharedKeys(config: DecoderConfig): JsonObject {
  const { ropeScaling } = config;
  return {
    ...formatSizes(config),
    rope_theta: config.ropeTheta,
    rope_scaling: ropeScaling ? formatRopeScaling(ropeScaling) : null,
    rms_norm_eps: config.normEpsilon,
    hidden_act: formatActivation(config),
    tie_word_embeddings: config.tiedEmbedding,
  };
}

function qwenWindow({ slidingWindow, slidingLayers, layers }: DecoderConfig): JsonObject {
  if (slidingWindow === 0) return { use_sliding_window: false, sliding_window: null };
  const slides = slidingLayers ?? Array.from({ length: layers }, () => true);
  return {
    use_sliding_window: true,
    sliding_window: slidingWindow,
    layer_types: slides.map((isSliding) => (isSliding ? SLIDING : FULL)),
  };
}

/** Whether a config.json means exactly this decoder. */
function says(json: JsonObject, wanted: DecoderConfig): boolean {
  try {
    return canonical(parseModelConfig(json).decoder) === canonical(wanted);
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

function canonical({ slidingLayers, biases, ...config }: DecoderConfig): string {
  const [isWindowed, areAll] = [slidingLayers?.includes(true) ?? true, !slidingLayers?.includes(false)];
  const slidingWindow = isWindowed ? config.slidingWindow : 0;
  const layers = slidingWindow > 0 && !areAll ? slidingLayers : undefined;
  const sorted = biases ? { biases: [...biases].sort() } : {};
  return JSON.stringify(
    formatModelConfig({ ...config, slidingWindow, ...sorted, ...(layers && { slidingLayers: layers }) }),
  );
}

function differencesOf({ linear }: DecoderConfig): readonly string[] {
  const { sparsity, sparsityBySite, weights, activations, rescale } = linear;
  const selects = [sparsity, ...Object.values(sparsityBySite ?? {})].some(({ kind }) => kind !== 'dense');
  return [
    ...(selects ? ['all inputs of linear layers are used: there is no selection of the largest'] : []),
    ...(rescale !== 'none' ? ['inputs are not rescaled after selection'] : []),
    ...(weights === 'full' && activations === 'int8' ? ['activations are not rounded to int8'] : []),
    ...(weights === 'ternary' && activations === 'full' ? ['activations are rounded to int8'] : []),
  ];
}

function partsOf({
  activation,
  subLayerNorms,
  queryKeyNorm,
  biases = [],
  slidingWindow,
}: DecoderConfig): string {
  const parts = [
    activation === 'drelu' && 'ReLU of gate and up',
    subLayerNorms && 'sub-layer norms',
    queryKeyNorm && 'norms of query and key heads',
    biases.length > 0 && `biases at ${biases.join(', ')}`,
    slidingWindow > 0 && 'a sliding window',
  ].filter((part) => part !== false && part !== undefined);
  return parts.length > 0 ? parts.join(', ') : 'these parts';
}
