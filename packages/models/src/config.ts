/**
 * config.json of the Q-Sparse family: Hugging Face's keys for what they name, ours under "qsparse". Unknown keys that
 * could change the result are errors; what Hugging Face writes for its own use is let through.
 */
import type { RopeScaling } from '@qsparse/core';
import { FormatError, type JsonObject, type ObjectReader, readObject } from '@qsparse/formats';
import { checkConfig, type DecoderConfig, type LinearConfig, type Sparsity } from '@qsparse/layers';

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

const ACTIVATIONS = { relu2: 'squared-relu', silu: 'silu' } as const;

export interface FamilyConfig {
  readonly decoder: DecoderConfig;
  /** Token that ends a text; -1 when the config names none. */
  readonly endOfText: number;
}

/**
 * Reads a parsed config.json. Throws FormatError or ValueError that names the key.
 * @param label stands in square brackets in messages, for instance the file's path
 */
export function parseModelConfig(json: JsonObject, label = 'config.json'): FamilyConfig {
  const reader = readObject(json, label);
  reader.rejectUnknown([...KNOWN, ...HARMLESS]);
  const type = reader.string('model_type');
  if (type !== 'qsparse') throw reader.invalid('model_type', '"qsparse"');
  const hiddenSize = reader.positiveInteger('hidden_size');
  const heads = reader.positiveInteger('num_attention_heads');
  const ours = reader.object('qsparse');
  ours.rejectUnknown(OUR_KEYS);
  const headSize = reader.positiveInteger('head_dim', { fallback: hiddenSize / heads });
  if (!Number.isInteger(headSize))
    throw reader.invalid('hidden_size', `a multiple of num_attention_heads (${heads})`);
  const scaling = reader.object('rope_scaling', { fallback: undefined });
  const decoder: DecoderConfig = {
    vocabularySize: reader.positiveInteger('vocab_size'),
    hiddenSize,
    intermediateSize: reader.positiveInteger('intermediate_size'),
    layers: reader.positiveInteger('num_hidden_layers'),
    heads,
    keyValueHeads: reader.positiveInteger('num_key_value_heads', { fallback: heads }),
    headSize,
    contextLength: reader.positiveInteger('max_position_embeddings'),
    slidingWindow: reader.integer('sliding_window', { min: 0, fallback: 0 }),
    ropeTheta: reader.number('rope_theta', { min: 1, fallback: 10000 }),
    ...(scaling && { ropeScaling: parseRopeScaling(scaling) }),
    normEpsilon: reader.number('rms_norm_eps', { min: 0, fallback: 1e-5 }),
    activation: ACTIVATIONS[reader.oneOf('hidden_act', ['relu2', 'silu'])],
    subLayerNorms: ours.boolean('sub_layer_norms', { fallback: false }),
    tiedEmbedding: reader.boolean('tie_word_embeddings', { fallback: false }),
    linear: parseLinear(ours),
  };
  checkConfig(decoder);
  return { decoder, endOfText: reader.integer('eos_token_id', { min: 0, fallback: -1 }) };
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
    return parseBlock(ours.string('block'), () =>
      ours.invalid('block', '"KEEP:BLOCK", for instance "16:32"'),
    );
  }
  const sparsity = ours.number('sparsity', { min: 0, fallback: 0 });
  if (sparsity >= 1) throw ours.invalid('sparsity', 'at least 0 and below 1');
  return sparsity === 0 ? { kind: 'dense' } : { kind: 'top-k', sparsity };
}

/** Reads "16:32". Throws what `invalid` makes for anything else. */
export function parseBlock(text: string, invalid: () => Error): Sparsity {
  const [, keep, block] = /^(\d{1,6}):(\d{1,6})$/.exec(text) ?? [];
  if (!keep || !block || Number(keep) < 1 || Number(keep) > Number(block)) throw invalid();
  return { kind: 'block', keep: Number(keep), block: Number(block) };
}

function parseRopeScaling(reader: ObjectReader): RopeScaling {
  const factor = reader.number('factor', { min: 0, fallback: 1 });
  const kind = reader.oneOf(reader.has('rope_type') ? 'rope_type' : 'type', [
    'linear',
    'dynamic',
    'llama3',
    'yarn',
  ]);
  const originalLength = reader.positiveInteger('original_max_position_embeddings', { fallback: 0 });
  if (kind === 'llama3') {
    reader.rejectUnknown([
      'rope_type',
      'type',
      'factor',
      'low_freq_factor',
      'high_freq_factor',
      'original_max_position_embeddings',
    ]);
    const [lowFrequencyFactor, highFrequencyFactor] = [
      reader.number('low_freq_factor'),
      reader.number('high_freq_factor'),
    ];
    return { kind, factor, lowFrequencyFactor, highFrequencyFactor, originalLength };
  }
  if (kind === 'linear') {
    reader.rejectUnknown(['rope_type', 'type', 'factor']);
    return { kind, factor };
  }
  throw new FormatError(
    'value',
    `[${reader.label}] rope scaling "${kind}" is not supported by this family; use linear or llama3`,
    { key: 'rope_scaling' },
  );
}

/** The config.json of a Q-Sparse model. */
export function formatModelConfig(
  config: DecoderConfig,
  { endOfText = -1 }: { readonly endOfText?: number } = {},
): JsonObject {
  const { linear, ropeScaling } = config;
  const { sparsity } = linear;
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
    ...(endOfText >= 0 && { eos_token_id: endOfText }),
    torch_dtype: 'float32',
    qsparse: {
      ...(sparsity.kind === 'block'
        ? { block: `${sparsity.keep}:${sparsity.block}` }
        : { sparsity: sparsity.kind === 'dense' ? 0 : sparsity.sparsity }),
      weights: linear.weights,
      activations: linear.activations,
      straight_through: linear.straightThrough,
      rescale: linear.rescale,
      sub_layer_norms: config.subLayerNorms,
    },
  };
}

function formatRopeScaling(scaling: RopeScaling): JsonObject {
  if (scaling.kind === 'llama3') {
    return {
      rope_type: 'llama3',
      factor: scaling.factor,
      low_freq_factor: scaling.lowFrequencyFactor,
      high_freq_factor: scaling.highFrequencyFactor,
      original_max_position_embeddings: scaling.originalLength,
    };
  }
  if (scaling.kind === 'linear') return { rope_type: 'linear', factor: scaling.factor };
  throw new FormatError(
    'value',
    `[config] rope scaling "${scaling.kind}" cannot be written; use linear or llama3`,
    { key: 'rope_scaling' },
  );
}
