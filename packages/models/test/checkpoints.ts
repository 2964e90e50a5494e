/** Checkpoints of tiny models of every family, all tensors random, for tests. */
import { normal } from '@qsparse/core';
import {
  bytesReader,
  f32ToBf16,
  f32ToF16,
  type JsonObject,
  memorySink,
  openSafetensors,
  type TensorStore,
  type TensorToWrite,
  writeSafetensors,
} from '@qsparse/formats';
import { decoderParams } from '@qsparse/layers';
import { type ModelFiles, parseModelConfig } from '@qsparse/models';
import type { PlainTensor } from './plain-transformer.ts';

const SIZES = {
  vocab_size: 29,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 32,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  hidden_act: 'silu',
  tie_word_embeddings: false,
};

const scaled = (rope_scaling: JsonObject): JsonObject => ({ ...SIZES, model_type: 'llama', rope_scaling });

/** config.json of each family, and of each kind of rope scaling. */
export const CONFIGS: Readonly<Record<string, JsonObject>> = {
  llama: { ...SIZES, model_type: 'llama' },
  'llama, biases, tied': {
    ...SIZES,
    model_type: 'llama',
    attention_bias: true,
    mlp_bias: true,
    tie_word_embeddings: true,
  },
  'llama, linear': scaled({ rope_type: 'linear', factor: 4 }),
  'llama, dynamic': scaled({ rope_type: 'dynamic', factor: 4 }),
  'llama, llama3': scaled({
    rope_type: 'llama3',
    factor: 8,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 64,
  }),
  'llama, yarn': scaled({ rope_type: 'yarn', factor: 4, original_max_position_embeddings: 64 }),
  mistral: { ...SIZES, model_type: 'mistral', sliding_window: 5, head_dim: 6 },
  qwen2: { ...SIZES, model_type: 'qwen2', use_sliding_window: false, sliding_window: null },
  'qwen2, one sliding layer': {
    ...SIZES,
    model_type: 'qwen2',
    use_sliding_window: true,
    sliding_window: 5,
    layer_types: ['full_attention', 'sliding_attention'],
  },
  qwen3: { ...SIZES, model_type: 'qwen3', head_dim: 6 },
  'qwen3, biases': { ...SIZES, model_type: 'qwen3', head_dim: 6, attention_bias: true },
  bitnet: { ...SIZES, model_type: 'bitnet', hidden_act: 'relu2', tie_word_embeddings: true },
};

export const BITNET: JsonObject = CONFIGS.bitnet!;

/** `quantization_config` of the three ways to store ternary weights. */
export const TERNARY = {
  divides: { quant_method: 'bitnet' },
  multiplies: { quant_method: 'bitnet', linear_class: 'autobitlinear', quantization_mode: 'offline' },
  online: { quant_method: 'bitnet', linear_class: 'autobitlinear', quantization_mode: 'online' },
} as const;

/** Every tensor random: norms around 1, everything else around 0. */
export function randomTensors(config: JsonObject): Map<string, PlainTensor> {
  const { decoder } = parseModelConfig(config);
  return new Map(
    decoderParams(decoder).map(({ name, shape }, i) => {
      const size = shape.reduce((product, length) => product * length, 1);
      const around = /norm\.weight$/.test(name) ? 1 : 0;
      const data = normal(7, i * 10_000, size).map((z) => Math.fround(around + 0.3 * z));
      return [name, { shape, data }];
    }),
  );
}

/** The same with ternary linear layers: -1, 0, 1 and `weight_scale`, a number near the mean magnitude or its inverse. */
export function ternaryTensors(config: JsonObject, kind: 'multiplies' | 'divides'): Map<string, PlainTensor> {
  const tensors = randomTensors(config);
  for (const [name, { shape, data }] of [...tensors].filter(([key]) => key.endsWith('_proj.weight'))) {
    const mean = Array.from(data).reduce((sum, value) => sum + Math.abs(value), 0) / data.length;
    const rounded = Array.from(
      data,
      (value) => Math.sign(value) * Math.min(1, Math.round(Math.abs(value / mean))),
    );
    const scale = Math.fround(kind === 'multiplies' ? mean : 1 / mean);
    tensors.set(name, { shape, data: rounded });
    tensors.set(`${name}_scale`, { shape: [1], data: [scale] });
  }
  return tensors;
}

/** Four rows to a byte: the row r + i · rows / 4 in bits 2i and 2i + 1 of byte row r, as value + 1. */
export function packed({ shape, data }: PlainTensor): Uint8Array<ArrayBuffer> {
  const [rows = 0, width = 0] = shape;
  const bytes = new Uint8Array((rows / 4) * width);
  for (let row = 0; row < rows; row++) {
    const quarter = Math.floor(row / (rows / 4));
    for (let column = 0; column < width; column++)
      bytes[(row % (rows / 4)) * width + column]! |= (data[row * width + column]! + 1) << (2 * quarter);
  }
  return bytes;
}

type Stored = 'f32' | 'f16' | 'bf16';

export function toWrite(name: string, { shape, data }: PlainTensor, dtype: Stored = 'f32'): TensorToWrite {
  const floats = Float32Array.from(data);
  if (dtype === 'f32') return { name, shape, dtype, data: floats };
  return { name, shape, dtype, data: dtype === 'f16' ? f32ToF16(floats) : f32ToBf16(floats) };
}

export async function fileOf(tensors: Iterable<TensorToWrite>): Promise<Uint8Array<ArrayBuffer>> {
  const sink = memorySink();
  await writeSafetensors(sink, tensors);
  return sink.bytes();
}

export async function storeOf(tensors: Iterable<TensorToWrite>): Promise<TensorStore> {
  return openSafetensors(bytesReader(await fileOf(tensors), 'model.safetensors'));
}

/** A model folder in memory. */
export function memoryFiles(
  files: Readonly<Record<string, string | Uint8Array>>,
  name = 'folder',
): ModelFiles {
  return {
    name,
    async open(fileName) {
      const content = files[fileName];
      if (content === undefined) return undefined;
      const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
      return bytesReader(bytes, `${name}/${fileName}`);
    },
  };
}
