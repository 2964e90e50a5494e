// What llama.cpp wants to know of a model of the Llama family, as plain data: the general and architecture keys of a GGUF
// file's metadata, written and read.
import { FormatError } from '../errors.ts';
import { type MetadataReader, readMetadata } from './metadata-reader.ts';
import type { GgufValue } from './values.ts';

/**
 * llama.cpp's names: `llama` is Llama and Mistral. `bitnet-b1.58`, `bitnet-25` (Microsoft's fork) and `bitnet` have norms
 * before the output and down projections.
 */
export type GgufArchitecture = 'llama' | 'qwen2' | 'qwen3' | 'bitnet' | 'bitnet-25' | 'bitnet-b1.58';

const ARCHITECTURES: readonly GgufArchitecture[] = [
  'llama',
  'qwen2',
  'qwen3',
  'bitnet',
  'bitnet-25',
  'bitnet-b1.58',
];

/** Llama 3's scaling is a tensor: rope-factors.ts. */
export type GgufRopeScaling =
  | { readonly kind: 'linear'; readonly factor: number }
  | {
      readonly kind: 'yarn';
      readonly factor: number;
      readonly originalLength: number;
      readonly betaFast?: number | undefined;
      readonly betaSlow?: number | undefined;
    };

export interface LlamaModel {
  readonly architecture: GgufArchitecture;
  /** For people. */
  readonly name?: string | undefined;
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  readonly contextLength: number;
  readonly normEpsilon: number;
  readonly ropeTheta: number;
  readonly ropeScaling?: GgufRopeScaling | undefined;
  /**
   * Tokens that attention reaches back; 0 for all. llama.cpp's `llama` reads all of them, whatever stands here: it is
   * right for texts of up to this length, so that a `contextLength` of no more makes it right for all.
   */
  readonly slidingWindow?: number | undefined;
  /** What most tensors are, in llama.cpp's numbers: FILE_TYPES. */
  readonly fileType?: number | undefined;
}

/** `general.file_type` of the types that are written here. */
export const FILE_TYPES: Readonly<Record<'F32' | 'F16' | 'BF16' | 'Q8_0' | 'TQ1_0' | 'TQ2_0', number>> = {
  F32: 0,
  F16: 1,
  Q8_0: 7,
  BF16: 32,
  TQ1_0: 36,
  TQ2_0: 37,
};

/** Of the block formats; llama.cpp reads no other. */
const QUANTIZATION_VERSION = 2;

type CountField =
  | 'vocabularySize'
  | 'contextLength'
  | 'hiddenSize'
  | 'layers'
  | 'intermediateSize'
  | 'heads'
  | 'keyValueHeads';

/** Keys after the architecture's name and a dot. */
const COUNTS: Readonly<Record<CountField, string>> = {
  vocabularySize: 'vocab_size',
  contextLength: 'context_length',
  hiddenSize: 'embedding_length',
  layers: 'block_count',
  intermediateSize: 'feed_forward_length',
  heads: 'attention.head_count',
  keyValueHeads: 'attention.head_count_kv',
};

const KEYS = {
  keySize: 'attention.key_length',
  valueSize: 'attention.value_length',
  normEpsilon: 'attention.layer_norm_rms_epsilon',
  slidingWindow: 'attention.sliding_window',
  rotaryDimensions: 'rope.dimension_count',
  ropeTheta: 'rope.freq_base',
  scaling: 'rope.scaling.type',
  factor: 'rope.scaling.factor',
  originalLength: 'rope.scaling.original_context_length',
  betaFast: 'rope.scaling.yarn_beta_fast',
  betaSlow: 'rope.scaling.yarn_beta_slow',
} as const;

/**
 * `general.*` and `<architecture>.*` for `writeGguf`, in llama.cpp's order.
 * @throws FormatError `value` naming the field
 */
export function llamaMetadata(model: LlamaModel): Map<string, GgufValue> {
  const { architecture, name, fileType, headSize, slidingWindow = 0, ropeScaling } = model;
  if (!ARCHITECTURES.includes(architecture))
    throw invalid('architecture', `one of ${ARCHITECTURES.join(', ')}`, architecture);
  const metadata = new Map<string, GgufValue>();
  const put = (key: string, value: GgufValue): void => void metadata.set(key, value);
  const count = (field: string, key: string, value: number, least = 1): void => {
    if (!Number.isInteger(value) || value < least || value >= 2 ** 32)
      throw invalid(field, `an integer from ${least} to ${2 ** 32 - 1}`, value);
    put(`${architecture}.${key}`, { type: 'u32', value });
  };
  const float = (field: string, key: string, value: number): void => {
    if (!(value > 0 && Math.fround(value) < Infinity)) throw invalid(field, 'a positive number', value);
    put(`${architecture}.${key}`, { type: 'f32', value });
  };
  put('general.architecture', { type: 'string', value: architecture });
  put('general.type', { type: 'string', value: 'model' });
  if (name !== undefined) put('general.name', { type: 'string', value: name });
  for (const field of Object.keys(COUNTS) as CountField[]) count(field, COUNTS[field], model[field]);
  count('headSize', KEYS.keySize, headSize, 2);
  count('headSize', KEYS.valueSize, headSize, 2);
  float('normEpsilon', KEYS.normEpsilon, model.normEpsilon);
  if (slidingWindow !== 0) count('slidingWindow', KEYS.slidingWindow, slidingWindow);
  count('headSize', KEYS.rotaryDimensions, headSize, 2);
  float('ropeTheta', KEYS.ropeTheta, model.ropeTheta);
  if (ropeScaling) {
    put(`${architecture}.${KEYS.scaling}`, { type: 'string', value: ropeScaling.kind });
    float('ropeScaling.factor', KEYS.factor, ropeScaling.factor);
  }
  if (ropeScaling?.kind === 'yarn') {
    count('ropeScaling.originalLength', KEYS.originalLength, ropeScaling.originalLength);
    for (const field of ['betaFast', 'betaSlow'] as const) {
      const beta = ropeScaling[field];
      if (beta !== undefined) float(`ropeScaling.${field}`, KEYS[field], beta);
    }
  }
  if (fileType !== undefined) {
    put('general.file_type', { type: 'u32', value: fileType });
    put('general.quantization_version', { type: 'u32', value: QUANTIZATION_VERSION });
  }
  return metadata;
}

/**
 * The model that a file's metadata describes.
 * @param file for messages
 * @throws FormatError `missing-key` or `value` naming the key; `value` for architectures and rope scaling that are not
 * known here, and for rotary positions on a part of a head
 */
export function parseLlamaMetadata(metadata: ReadonlyMap<string, GgufValue>, file = 'GGUF file'): LlamaModel {
  const reader = readMetadata(metadata, file);
  const architecture = ARCHITECTURES.find((each) => each === reader.string('general.architecture'));
  if (architecture === undefined)
    throw reader.invalid('general.architecture', `one of ${ARCHITECTURES.join(', ')}`);
  const key = (name: string): string => `${architecture}.${name}`;
  const count = (name: string, fallback?: number): number => {
    const value = reader.count(key(name), fallback === undefined ? undefined : { fallback });
    if (value > 0) return value;
    throw reader.invalid(key(name), 'an integer of at least 1');
  };
  const heads = count(COUNTS.heads);
  const hiddenSize = count(COUNTS.hiddenSize);
  const headSize = count(KEYS.keySize, hiddenSize / heads);
  if (!Number.isInteger(headSize))
    throw reader.invalid(key(COUNTS.heads), `a divisor of ${hiddenSize} (or "${key(KEYS.keySize)}")`);
  for (const part of [KEYS.valueSize, KEYS.rotaryDimensions])
    if (count(part, headSize) !== headSize)
      throw reader.invalid(key(part), `${headSize}, the size of a head (nothing else is read here),`);
  return {
    architecture,
    name: reader.string('general.name', { fallback: undefined }),
    vocabularySize: count(COUNTS.vocabularySize, tokenCount(reader, metadata)),
    contextLength: count(COUNTS.contextLength),
    hiddenSize,
    layers: count(COUNTS.layers),
    intermediateSize: count(COUNTS.intermediateSize),
    heads,
    keyValueHeads: count(COUNTS.keyValueHeads, heads),
    headSize,
    normEpsilon: reader.number(key(KEYS.normEpsilon)),
    ropeTheta: reader.number(key(KEYS.ropeTheta), { fallback: 10_000 }),
    ropeScaling: parseScaling(reader, key),
    slidingWindow: reader.count(key(KEYS.slidingWindow), { fallback: 0 }),
    fileType: reader.count('general.file_type', { fallback: undefined }),
  };
}

/** Older files leave the size of the vocabulary to its list. */
function tokenCount(reader: MetadataReader, metadata: ReadonlyMap<string, GgufValue>): number | undefined {
  const tokens = 'tokenizer.ggml.tokens';
  return metadata.has(tokens) ? reader.strings(tokens).length : undefined;
}

function parseScaling(reader: MetadataReader, key: (name: string) => string): GgufRopeScaling | undefined {
  const kind = reader.string(key(KEYS.scaling), { fallback: 'none' });
  if (kind === 'none') return undefined;
  const factor = reader.number(key(KEYS.factor));
  // Converters write this where nothing is scaled.
  if (kind === 'linear') return factor === 1 ? undefined : { kind, factor };
  if (kind !== 'yarn') throw reader.invalid(key(KEYS.scaling), 'none, linear or yarn');
  return {
    kind,
    factor,
    originalLength: reader.count(key(KEYS.originalLength)),
    betaFast: reader.number(key(KEYS.betaFast), { fallback: undefined }),
    betaSlow: reader.number(key(KEYS.betaSlow), { fallback: undefined }),
  };
}

function invalid(field: string, requirement: string, got: unknown): FormatError {
  const message = `[gguf] ${field} to write: ${requirement} is required, got ${String(got)}; correct it`;
  return new FormatError('value', message, { key: field });
}
