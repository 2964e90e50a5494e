/**
 * config.json of the Q-Sparse family: Hugging Face's keys for what they name, ours under "qsparse". Unknown keys that
 * could change the result are errors; what Hugging Face writes for its own use is let through.
 */
import { type JsonObject, type ObjectReader, readObject } from '@qsparse/formats';
import { checkConfig, type DecoderConfig, type LinearConfig, type Sparsity } from '@qsparse/layers';
import { formatRopeScaling, parseRopeScaling } from './rope-scaling.ts';

/** Keys of Hugging Face that say nothing about the computation. */
const HARMLESS = [
  'architectures',
  'bos_token_id',
  'dtype',
  'eos_token_id',
  'initializer_range',
  'pad_token_id',
  'torch_dtype',
  'transformers_version',
  'use_cache',
];

const KNOWN = [
  'model_type',
  'vocab_size',
  'hidden_size',
  'intermediate_size',
  'num_hidden_layers',
  'num_attention_heads',
  'num_key_value_heads',
  'head_dim',
  'max_position_embeddings',
  'sliding_window',
  'rope_theta',
  'rope_scaling',
  'rms_norm_eps',
  'hidden_act',
  'tie_word_embeddings',
  'qsparse',
];

const OUR_KEYS = [
  'sparsity',
  'block',
  'weights',
  'activations',
  'straight_through',
  'rescale',
  'sub_layer_norms',
];

export interface FamilyConfig {
  readonly decoder: DecoderConfig;
  /** Token that ends a text, where the config names one. */
  readonly endOfText: number | undefined;
}

/**
 * Reads a parsed config.json. Throws FormatError that names the key, ValueError for values that do not fit together.
 * @param label stands in square brackets in messages, for instance the file's path
 */
export function parseModelConfig(json: JsonObject, label = 'config.json'): FamilyConfig {
  const reader = readObject(json, label);
  reader.oneOf('model_type', ['qsparse']);
  reader.rejectUnknown([...KNOWN, ...HARMLESS]);
  const ours = reader.object('qsparse');
  ours.rejectUnknown(OUR_KEYS);
  const hiddenSize = reader.positiveInteger('hidden_size');
  const heads = reader.positiveInteger('num_attention_heads');
  if (!reader.has('head_dim') && hiddenSize % heads !== 0)
    throw reader.invalid('hidden_size', `a multiple of num_attention_heads (${heads}), or "head_dim" given`);
  const scaling = reader.object('rope_scaling', { fallback: undefined });
  const decoder: DecoderConfig = {
    vocabularySize: reader.positiveInteger('vocab_size'),
    hiddenSize,
    intermediateSize: reader.positiveInteger('intermediate_size'),
    layers: reader.positiveInteger('num_hidden_layers'),
    heads,
    keyValueHeads: reader.positiveInteger('num_key_value_heads', { fallback: heads }),
    headSize: reader.positiveInteger('head_dim', { fallback: hiddenSize / heads }),
    contextLength: reader.positiveInteger('max_position_embeddings'),
    slidingWindow: reader.integer('sliding_window', { min: 0, fallback: 0 }),
    ropeTheta: reader.number('rope_theta', { fallback: 10000 }),
    ropeScaling: scaling && parseRopeScaling(scaling),
    normEpsilon: reader.number('rms_norm_eps', { fallback: 1e-5 }),
    activation: reader.oneOf('hidden_act', ['relu2', 'silu']) === 'silu' ? 'silu' : 'squared-relu',
    subLayerNorms: ours.boolean('sub_layer_norms', { fallback: false }),
    tiedEmbedding: reader.boolean('tie_word_embeddings', { fallback: false }),
    linear: parseLinear(ours),
  };
  checkConfig(decoder);
  return { decoder, endOfText: reader.integer('eos_token_id', { min: 0, fallback: undefined }) };
}

function parseLinear(ours: ObjectReader): LinearConfig {
  return {
    sparsity: parseSparsity(ours),
    weights: ours.oneOf('weights', ['full', 'ternary'], { fallback: 'full' }),
    activations: ours.oneOf('activations', ['full', 'int8'], { fallback: 'full' }),
    straightThrough: ours.boolean('straight_through', { fallback: true }),
    rescale: ours.oneOf('rescale', ['none', 'unit', 'preserve'], { fallback: 'none' }),
  };
}

function parseSparsity(ours: ObjectReader): Sparsity {
  if (ours.has('block')) {
    if (ours.has('sparsity')) throw ours.invalid('sparsity', 'absent when "block" is given');
    const block = parseBlock(ours.string('block'));
    if (!block) throw ours.invalid('block', '"KEEP:BLOCK" with KEEP from 1 to BLOCK, for instance "16:32"');
    return block;
  }
  const sparsity = ours.number('sparsity', { min: 0, fallback: 0 });
  if (sparsity >= 1) throw ours.invalid('sparsity', 'at least 0 and below 1');
  return sparsity === 0 ? { kind: 'dense' } : { kind: 'top-k', sparsity };
}

/** Reads "16:32": 16 of every 32 stay. Undefined for anything else, 0:32 and 33:32 too. */
export function parseBlock(text: string): Sparsity | undefined {
  const [, keep, block] = (/^(\d{1,6}):(\d{1,6})$/.exec(text) ?? []).map(Number);
  if (!keep || !block || keep > block) return undefined;
  return { kind: 'block', keep, block };
}

/** The config.json of a Q-Sparse model; `parseModelConfig` reads the same config from it. */
export function formatModelConfig(
  config: DecoderConfig,
  { endOfText }: { readonly endOfText?: number | undefined } = {},
): JsonObject {
  const { linear, ropeScaling } = config;
  return {
    architectures: ['QSparseForCausalLM'],
    model_type: 'qsparse',
    vocab_size: config.vocabularySize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.keyValueHeads,
    head_dim: config.headSize,
    max_position_embeddings: config.contextLength,
    ...(config.slidingWindow > 0 && { sliding_window: config.slidingWindow }),
    rope_theta: config.ropeTheta,
    ...(ropeScaling && { rope_scaling: formatRopeScaling(ropeScaling) }),
    rms_norm_eps: config.normEpsilon,
    hidden_act: config.activation === 'silu' ? 'silu' : 'relu2',
    tie_word_embeddings: config.tiedEmbedding,
    ...(endOfText !== undefined && { eos_token_id: endOfText }),
    torch_dtype: 'float32',
    qsparse: {
      ...formatSparsity(linear.sparsity),
      weights: linear.weights,
      activations: linear.activations,
      straight_through: linear.straightThrough,
      rescale: linear.rescale,
      sub_layer_norms: config.subLayerNorms,
    },
  };
}

function formatSparsity(sparsity: Sparsity): JsonObject {
  if (sparsity.kind === 'block') return { block: `${sparsity.keep}:${sparsity.block}` };
  return { sparsity: sparsity.kind === 'dense' ? 0 : sparsity.sparsity };
}
