/**
 * Q-Sparse, in both directions: Hugging Face's keys for what they name, ours under "qsparse". It can hold every decoder
 * of @qsparse/layers, so that a model of another family becomes one by being written as such.
 */
import type { JsonObject, ObjectReader } from '@qsparse/formats';
import { type DecoderConfig, type LinearConfig, SITES, type SiteName, type Sparsity } from '@qsparse/layers';
import { formatRopeScaling, parseRope } from '../rope-scaling.ts';
import { ternaryKeys } from '../ternary-config.ts';
import type { Family } from './family.ts';
import {
  FULL,
  formatActivation,
  formatSizes,
  parseActivation,
  parseHeadSize,
  parseLayerTypes,
  SLIDING,
} from './hugging-face.ts';

const KEYS = [
  'vocab_size',
  'hidden_size',
  'intermediate_size',
  'num_hidden_layers',
  'num_attention_heads',
  'num_key_value_heads',
  'head_dim',
  'max_position_embeddings',
  'sliding_window',
  'layer_types',
  'rope_theta',
  'rope_scaling',
  'rms_norm_eps',
  'hidden_act',
  'tie_word_embeddings',
  'qsparse',
  'quantization_config',
];

const OUR_KEYS = [
  'selection',
  'sparsity',
  'block',
  'sparsity_by_site',
  'weights',
  'activations',
  'straight_through',
  'rescale',
  'sub_layer_norms',
  'query_key_norm',
  'biases',
];

export const qsparse: Family = { modelType: 'qsparse', keys: KEYS, parse };

function parse(reader: ObjectReader): DecoderConfig {
  const ours = reader.object('qsparse');
  ours.rejectUnknown(OUR_KEYS);
  const heads = reader.positiveInteger('num_attention_heads');
  const contextLength = reader.positiveInteger('max_position_embeddings');
  const rope = parseRope(reader, { theta: 10_000, contextLength });
  const slidingLayers = parseLayerTypes(reader);
  const biases = parseBiases(ours);
  return {
    vocabularySize: reader.positiveInteger('vocab_size'),
    hiddenSize: reader.positiveInteger('hidden_size'),
    intermediateSize: reader.positiveInteger('intermediate_size'),
    layers: reader.positiveInteger('num_hidden_layers'),
    heads,
    keyValueHeads: reader.positiveInteger('num_key_value_heads', { fallback: heads }),
    headSize: parseHeadSize(reader),
    contextLength,
    slidingWindow: reader.integer('sliding_window', { min: 0, fallback: 0 }),
    ...(slidingLayers && { slidingLayers }),
    ropeTheta: rope.theta,
    ropeScaling: rope.scaling,
    normEpsilon: reader.number('rms_norm_eps', { fallback: 1e-5 }),
    activation: parseActivation(reader, ['relu2', 'silu', 'relu', 'drelu']),
    subLayerNorms: ours.boolean('sub_layer_norms', { fallback: false }),
    ...(ours.boolean('query_key_norm', { fallback: false }) && { queryKeyNorm: true }),
    ...(biases.length > 0 && { biases }),
    tiedEmbedding: reader.boolean('tie_word_embeddings', { fallback: false }),
    linear: parseLinear(ours, reader.has('quantization_config')),
  };
}

function parseLinear(ours: ObjectReader, isRounded: boolean): LinearConfig {
  const sparsityBySite = parseBySite(ours);
  const weights: LinearConfig['weights'] = ours.oneOf('weights', ['full', 'ternary'], { fallback: 'full' });
  if (isRounded && weights !== 'ternary')
    throw ours.invalid('weights', '"ternary" when "quantization_config" is given');
  return {
    sparsity: parseSparsity(ours),
    ...(sparsityBySite && { sparsityBySite }),
    weights,
    activations: ours.oneOf('activations', ['full', 'int8'], { fallback: 'full' }),
    straightThrough: ours.boolean('straight_through', { fallback: true }),
    rescale: ours.oneOf('rescale', ['none', 'unit', 'preserve'], { fallback: 'none' }),
  };
}

function parseSparsity(ours: ObjectReader): Sparsity {
  if (ours.oneOf('selection', ['largest', RELU], { fallback: 'largest' }) === RELU) {
    for (const key of ['sparsity', 'block'])
      if (ours.has(key)) throw ours.invalid(key, 'absent when "selection" is "relu"');
    return { kind: 'relu' };
  }
  if (ours.has('block')) {
    if (ours.has('sparsity')) throw ours.invalid('sparsity', 'absent when "block" is given');
    const block = parseBlock(ours.string('block'));
    if (!block) throw ours.invalid('block', '"KEEP:BLOCK" with KEEP from 1 to BLOCK, for instance "16:32"');
    return block;
  }
  const sparsity = ours.number('sparsity', { min: 0, fallback: 0 });
  if (sparsity >= 1) throw ours.invalid('sparsity', 'at least 0 and below 1');
  return topK(sparsity);
}

/** Each site's share left out, or block; which sites there are is checked with the whole config. */
function parseBySite(ours: ObjectReader): LinearConfig['sparsityBySite'] {
  const sites = ours.object('sparsity_by_site', { fallback: undefined });
  if (!sites) return undefined;
  const entries = sites.keys().map((site) => [site, parseOne(sites, site)] as const);
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

function parseOne(sites: ObjectReader, site: string): Sparsity {
  const value = sites.get(site);
  if (typeof value === 'number' && value >= 0 && value < 1) return topK(value);
  if (value === RELU) return { kind: 'relu' };
  const block = typeof value === 'string' ? parseBlock(value) : undefined;
  if (block) return block;
  throw sites.invalid(site, 'a share from 0 and below 1, "KEEP:BLOCK" or "relu"');
}

/** In place of a share: inputs above 0 stay. */
const RELU = 'relu';

const topK = (sparsity: number): Sparsity =>
  sparsity === 0 ? { kind: 'dense' } : { kind: 'top-k', sparsity };

function parseBiases(ours: ObjectReader): readonly SiteName[] {
  const sites = ours.strings('biases', { fallback: [] });
  if (sites.every((site) => (SITES as readonly string[]).includes(site))) return sites as readonly SiteName[];
  throw ours.invalid('biases', `a list of ${SITES.join(', ')}`);
}

/** Reads "16:32": 16 of every 32 stay. Undefined for anything else, 0:32 and 33:32 too. */
export function parseBlock(text: string): Sparsity | undefined {
  const [, keep, block] = (/^(\d{1,6}):(\d{1,6})$/.exec(text) ?? []).map(Number);
  if (!keep || !block || keep > block) return undefined;
  return { kind: 'block', keep, block };
}

/** Tokens that begin and end a text, for programs that read config.json. */
export interface TextEnds {
  readonly beginOfText?: number | undefined;
  readonly endOfText?: number | undefined;
}

export interface ModelConfigOptions extends TextEnds {
  /** Ternary weights are stored rounded, four to a byte, as `storedWeights` with the form `packed` gives them. Default false. */
  readonly packed?: boolean | undefined;
}

/** The config.json of a Q-Sparse model; `parseModelConfig` reads the same config from it. */
export function formatModelConfig(
  config: DecoderConfig,
  { beginOfText, endOfText, packed = false }: ModelConfigOptions = {},
): JsonObject {
  const { linear, ropeScaling, slidingLayers, biases } = config;
  return {
    architectures: ['QSparseForCausalLM'],
    model_type: 'qsparse',
    ...formatSizes(config),
    ...(config.slidingWindow > 0 && { sliding_window: config.slidingWindow }),
    ...(slidingLayers && { layer_types: slidingLayers.map((slides) => (slides ? SLIDING : FULL)) }),
    rope_theta: config.ropeTheta,
    ...(ropeScaling && { rope_scaling: formatRopeScaling(ropeScaling) }),
    rms_norm_eps: config.normEpsilon,
    hidden_act: formatActivation(config),
    tie_word_embeddings: config.tiedEmbedding,
    ...(beginOfText !== undefined && { bos_token_id: beginOfText }),
    ...(endOfText !== undefined && { eos_token_id: endOfText }),
    torch_dtype: 'float32',
    ...(packed && linear.weights === 'ternary' && { quantization_config: ternaryKeys(true) }),
    qsparse: {
      ...formatSparsity(linear.sparsity),
      ...formatBySite(linear.sparsityBySite),
      weights: linear.weights,
      activations: linear.activations,
      straight_through: linear.straightThrough,
      rescale: linear.rescale,
      sub_layer_norms: config.subLayerNorms,
      ...(config.queryKeyNorm && { query_key_norm: true }),
      ...(biases && biases.length > 0 && { biases: [...biases] }),
    },
  };
}

function formatBySite(bySite: LinearConfig['sparsityBySite'] = {}): JsonObject {
  const sites = Object.entries(bySite).map(([site, sparsity]) => {
    const { selection, block, sparsity: share } = formatSparsity(sparsity);
    return [site, selection ?? block ?? share!] as const;
  });
  return sites.length > 0 ? { sparsity_by_site: Object.fromEntries(sites) } : {};
}

function formatSparsity(sparsity: Sparsity): JsonObject {
  if (sparsity.kind === 'relu') return { selection: RELU };
  if (sparsity.kind === 'block') return { block: `${sparsity.keep}:${sparsity.block}` };
  return { sparsity: sparsity.kind === 'dense' ? 0 : sparsity.sparsity };
}
