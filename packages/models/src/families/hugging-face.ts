/**
 * What the config.json of Llama and of the families that grew out of it have in common. Values that a file leaves out
 * are those of the configuration classes of transformers, which differ from family to family.
 */
import type { JsonObject, ObjectReader } from '@qsparse/formats';
import { DENSE, type DecoderConfig, type SiteName } from '@qsparse/layers';
import { parseRope } from '../rope-scaling.ts';
import { parseTernary } from '../ternary-config.ts';

/** What a family's configuration class has where the file says nothing. */
export interface Defaults {
  readonly contextLength: number;
  readonly normEpsilon: number;
  readonly ropeTheta: number;
  readonly activation: 'silu' | 'relu2';
  /** Default: as many as there are heads. */
  readonly keyValueHeads?: number;
  /** Default: the width divided by the number of heads. */
  readonly headSize?: number;
}

/** How large a model is, in the keys that all families share. */
export function formatSizes(config: DecoderConfig): JsonObject {
  return {
    vocab_size: config.vocabularySize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.keyValueHeads,
    head_dim: config.headSize,
    max_position_embeddings: config.contextLength,
  };
}

/** The activation of the gate, as transformers names it. */
export function formatActivation({ activation }: DecoderConfig): ActivationName {
  return activation === 'squared-relu' ? 'relu2' : activation;
}

/** As transformers names activations of the gate; `drelu` is ours. */
export type ActivationName = 'silu' | 'relu2' | 'relu' | 'drelu';

/** `hidden_act`, one of `names`. Throws FormatError. */
export function parseActivation<N extends ActivationName>(
  reader: ObjectReader,
  names: readonly N[],
  options: { readonly fallback?: N } = {},
): DecoderConfig['activation'] {
  const name: ActivationName = reader.oneOf('hidden_act', names, options);
  return name === 'relu2' ? 'squared-relu' : name;
}

/** Keys that `parseShared` reads. */
export const SHARED_KEYS: readonly string[] = [
  'vocab_size',
  'hidden_size',
  'intermediate_size',
  'num_hidden_layers',
  'num_attention_heads',
  'num_key_value_heads',
  'head_dim',
  'max_position_embeddings',
  'rope_theta',
  'rope_scaling',
  'rope_parameters',
  'rms_norm_eps',
  'hidden_act',
  'tie_word_embeddings',
  'quantization_config',
];

/** A decoder without window, biases and norms of its own. Throws FormatError that names the key. */
export function parseShared(reader: ObjectReader, defaults: Defaults): DecoderConfig {
  const hiddenSize = reader.positiveInteger('hidden_size');
  const heads = reader.positiveInteger('num_attention_heads');
  const { contextLength: usualLength, ropeTheta: usualTheta } = defaults;
  const contextLength = reader.positiveInteger('max_position_embeddings', { fallback: usualLength });
  const rope = parseRope(reader, { theta: usualTheta, contextLength });
  // transformers stretches what is longer than the file's own context, whatever else the file names as the original.
  if (rope.scaling?.kind === 'dynamic' && rope.scaling.originalLength !== contextLength)
    throw reader.invalid('max_position_embeddings', 'what dynamic scaling names as the original length');
  return {
    vocabularySize: reader.positiveInteger('vocab_size'),
    hiddenSize,
    intermediateSize: reader.positiveInteger('intermediate_size'),
    layers: reader.positiveInteger('num_hidden_layers'),
    heads,
    keyValueHeads: reader.positiveInteger('num_key_value_heads', {
      fallback: unlessNull(reader, 'num_key_value_heads', defaults.keyValueHeads) ?? heads,
    }),
    headSize: parseHeadSize(reader, defaults.headSize),
    contextLength,
    slidingWindow: 0,
    ropeTheta: rope.theta,
    ropeScaling: rope.scaling,
    normEpsilon: reader.number('rms_norm_eps', { fallback: defaults.normEpsilon }),
    activation: parseActivation(reader, ['silu', 'relu2', 'relu'], { fallback: defaults.activation }),
    subLayerNorms: false,
    tiedEmbedding: reader.boolean('tie_word_embeddings', { fallback: false }),
    linear: reader.has('quantization_config') ? parseTernary(reader).linear : DENSE,
  };
}

/** `head_dim`, or what the width leaves for each head. Throws FormatError where that is no whole number. */
export function parseHeadSize(reader: ObjectReader, usual?: number): number {
  const hiddenSize = reader.positiveInteger('hidden_size');
  const heads = reader.positiveInteger('num_attention_heads');
  const fallback = unlessNull(reader, 'head_dim', usual) ?? hiddenSize / heads;
  if (reader.has('head_dim') || Number.isInteger(fallback))
    return reader.positiveInteger('head_dim', { fallback });
  throw reader.invalid('hidden_size', `a multiple of num_attention_heads (${heads}), or "head_dim" given`);
}

/** What stands for an absent key; a key that is there and null says that there is no such value. */
export function unlessNull<T>(reader: ObjectReader, key: string, usual: T): T | undefined {
  return reader.keys().includes(key) ? undefined : usual;
}

/** `attention_bias` and `mlp_bias`, as Llama has them: all projections of attention, all of the feed-forward layer. */
export function parseBiases(reader: ObjectReader): Pick<DecoderConfig, 'biases'> {
  const sites: SiteName[] = [];
  if (reader.boolean('attention_bias', { fallback: false })) sites.push('qkv', 'o');
  if (reader.boolean('mlp_bias', { fallback: false })) sites.push('gate-up', 'down');
  return sites.length > 0 ? { biases: sites } : {};
}

/** `layer_types` as whether each layer has the sliding window; undefined where the file does not say. */
export function parseLayerTypes(reader: ObjectReader): readonly boolean[] | undefined {
  const types = reader.strings('layer_types', { fallback: undefined });
  const layers = reader.positiveInteger('num_hidden_layers');
  if (!types) return undefined;
  if (types.length === layers && types.every((type) => type === SLIDING || type === FULL))
    return types.map((type) => type === SLIDING);
  throw reader.invalid('layer_types', `a list of ${layers} of ${FULL} and ${SLIDING}`);
}

export const FULL = 'full_attention';
export const SLIDING = 'sliding_attention';
