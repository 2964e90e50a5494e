/**
 * `quantization_config` of ternary checkpoints: which of transformers' two layers wrote them. Both compute with ternary
 * weights and int8 activations; they differ in what is stored.
 *
 * - `bitlinear`: ternary weights and the inverse of their scale, which divides (the default);
 * - `autobitlinear`, `offline`: ternary weights and their scale, which multiplies (BitNet b1.58 2B4T);
 * - `autobitlinear`, `online`: full-precision weights that are rounded when they are used.
 */
import type { JsonObject, ObjectReader } from '@qsparse/formats';
import { DENSE, type LinearConfig } from '@qsparse/layers';

/** What the number stored beside ternary weights does with a product. */
export type TernaryScale = 'multiplies' | 'divides';

export interface TernaryConfig {
  readonly linear: LinearConfig;
  /** Absent where the weights are stored before rounding. */
  readonly scale: TernaryScale | undefined;
}

/** Reads `quantization_config` of a whole config.json. Throws FormatError that names the key. */
export function parseTernary(config: ObjectReader): TernaryConfig {
  const reader = config.object('quantization_config');
  reader.oneOf('quant_method', ['bitnet']);
  reader.rejectUnknown([
    'quant_method',
    'linear_class',
    'quantization_mode',
    'modules_to_not_convert',
    'use_rms_norm',
    'rms_norm_eps',
  ]);
  if (reader.boolean('use_rms_norm', { fallback: false }))
    throw reader.invalid('use_rms_norm', 'false: a norm inside of each linear layer is not supported');
  const full = reader.strings('modules_to_not_convert', { fallback: [] });
  // Embedding and head are never converted; a layer that stays full would need a config of its own.
  if (!full.every((name) => ['lm_head', 'embed_tokens', 'model.embed_tokens'].includes(name)))
    throw reader.invalid('modules_to_not_convert', 'no other list than of lm_head and embed_tokens');
  const linearClass = reader.oneOf('linear_class', ['bitlinear', 'autobitlinear'], { fallback: 'bitlinear' });
  const mode = reader.oneOf('quantization_mode', ['offline', 'online'], { fallback: 'offline' });
  return { linear: { ...DENSE, weights: 'ternary', activations: 'int8' }, scale: scaleOf(linearClass, mode) };
}

function scaleOf(linearClass: string, mode: string): TernaryScale | undefined {
  if (linearClass === 'bitlinear') return 'divides';
  return mode === 'offline' ? 'multiplies' : undefined;
}

/** `quantization_config` of ternary weights: packed ones have been rounded, others are rounded when they are used, as we round them. */
export function ternaryKeys(packed: boolean): JsonObject {
  return {
    quant_method: 'bitnet',
    linear_class: 'autobitlinear',
    quantization_mode: packed ? 'offline' : 'online',
    modules_to_not_convert: ['lm_head'],
  };
}
