/**
 * config.json of a model folder: which family it is, and what decoder. A key that could change the result and that
 * nobody here reads is an error; keys that say nothing about the computation are listed.
 */
import { ValueError } from '@qsparse/core';
import { type JsonObject, type ObjectReader, readObject } from '@qsparse/formats';
import { checkConfig, type DecoderConfig } from '@qsparse/layers';
import { FAMILIES } from './families/index.ts';
import { parseTernary, type TernaryScale } from './ternary-config.ts';

/** Keys of Hugging Face and of tools around it that say nothing about the computation. */
const HARMLESS = [
  '_attn_implementation',
  '_attn_implementation_autoset',
  '_name_or_path',
  'attention_dropout',
  'attn_implementation',
  'auto_map',
  'bos_token_id',
  'dtype',
  'gradient_checkpointing',
  'id2label',
  'initializer_range',
  'is_llama_config',
  'label2id',
  'max_window_layers',
  'output_attentions',
  'output_hidden_states',
  'pad_token_id',
  'pretraining_tp',
  'return_dict',
  'tokenizer_class',
  'torch_dtype',
  'transformers.js_config',
  'transformers_version',
  'unsloth_fixed',
  'unsloth_version',
  'use_bfloat16',
  'use_cache',
];

/** Keys that change nothing with this value, where a family does not read them. */
const NEUTRAL: Readonly<Record<string, unknown>> = {
  add_cross_attention: false,
  attention_bias: false,
  is_encoder_decoder: false,
  mlp_bias: false,
  partial_rotary_factor: 1,
  rope_interleaved: false,
  use_mrope: false,
  use_sliding_window: false,
};

/** Keys that every family has and that are read here. */
const OWN = ['model_type', 'architectures', 'eos_token_id'];

export interface FamilyConfig {
  /** `model_type` of the file. */
  readonly family: string;
  readonly decoder: DecoderConfig;
  /** Token that ends a text, where the config names one; the first of several. */
  readonly endOfText: number | undefined;
  /** What the number stored beside ternary weights does; undefined where weights are stored before rounding. */
  readonly ternaryScale: TernaryScale | undefined;
  /** Keys of the file that say nothing about the computation. */
  readonly ignoredKeys: readonly string[];
}

/**
 * Reads a parsed config.json. Throws FormatError that names the key, ValueError for values that do not fit together.
 * @param label stands in square brackets in messages, for instance the file's path
 */
export function parseModelConfig(json: JsonObject, label = 'config.json'): FamilyConfig {
  const reader = readObject(json, label);
  const modelType = reader.oneOf(
    'model_type',
    FAMILIES.map((family) => family.modelType),
  );
  const { keys, parse } = FAMILIES.find((family) => family.modelType === modelType)!;
  requireCausal(reader);
  const ignoredKeys = checkKeys(reader, [...OWN, ...keys]);
  const decoder = parse(reader);
  checkFits(decoder, label);
  const isTernary = keys.includes('quantization_config') && reader.has('quantization_config');
  return {
    family: modelType,
    decoder,
    endOfText: parseEndOfText(reader),
    ternaryScale: isTernary ? parseTernary(reader).scale : undefined,
    ignoredKeys,
  };
}

/** As `checkConfig`, naming the file. */
function checkFits(decoder: DecoderConfig, label: string): void {
  try {
    checkConfig(decoder);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new ValueError(label, error.message.replace(/^\[\w+\] /, ''));
  }
}

/** A classifier or an encoder has the same layers and another head. */
function requireCausal(reader: ObjectReader): void {
  const names = reader.strings('architectures', { fallback: [] });
  if (names.length === 0 || names.some((name) => /ForCausalLM$/i.test(name))) return;
  throw reader.invalid('architectures', 'a model that predicts the next token (…ForCausalLM)');
}

/** The keys that change nothing. Throws FormatError for those that nobody knows. */
function checkKeys(reader: ObjectReader, known: readonly string[]): readonly string[] {
  const others = reader.keys().filter((key) => !known.includes(key));
  for (const key of others) {
    if (!Object.hasOwn(NEUTRAL, key) || !reader.has(key) || reader.get(key) === NEUTRAL[key]) continue;
    throw reader.invalid(key, `${JSON.stringify(NEUTRAL[key])}: anything else is not supported here`);
  }
  // A key that holds null says nothing.
  const harmless = [...HARMLESS, ...Object.keys(NEUTRAL), ...others.filter((key) => !reader.has(key))];
  reader.rejectUnknown([...known, ...harmless]);
  return others;
}

function parseEndOfText(reader: ObjectReader): number | undefined {
  if (!Array.isArray(reader.get('eos_token_id')))
    return reader.integer('eos_token_id', { min: 0, fallback: undefined });
  return reader.integers('eos_token_id', { min: 0 })[0];
}
