/**
 * A golden folder: a small decoder and what another implementation computed with it in float64.
 *
 *   model.safetensors    weights, f32, Hugging Face names
 *   golden.safetensors   tokens i32 [batches, B, T + 1]; logits [B, T, V] of batch 0; grad.NAME of batch 0
 *   golden.json          config, optimizer, first_loss, loss_curve, grad_norm_curve (one AdamW step a batch)
 */
import { join } from 'node:path';
import {
  type ObjectReader,
  openSafetensors,
  parseConfig,
  readObject,
  type TensorStore,
} from '@qsparse/formats';
import { openFileReader as fileReader, readFileBytes } from '@qsparse/formats/node';
import { checkConfig, type DecoderConfig, type Sparsity } from '@qsparse/layers';

export interface Golden {
  readonly config: DecoderConfig;
  readonly optimizer: {
    readonly learningRate: number;
    readonly beta1: number;
    readonly beta2: number;
    readonly epsilon: number;
    readonly weightDecay: number;
    readonly clipNorm: number;
  };
  readonly firstLoss: number;
  readonly losses: readonly number[];
  readonly gradientNorms: readonly number[];
  readonly weights: TensorStore;
  readonly expected: TensorStore;
  close(): Promise<void>;
}

const CONFIG_KEYS = [
  'vocab_size',
  'hidden_size',
  'num_attention_heads',
  'num_key_value_heads',
  'intermediate_size',
  'num_hidden_layers',
  'rope_theta',
  'rms_norm_eps',
  'tie_word_embeddings',
  'hidden_act',
  'sub_layer_norms',
  'weight_bits',
  'top_k_keep',
  'top_k_block',
  'ste',
];

/** Opens a golden folder. Throws FormatError or ValueError naming file, key or tensor. */
export async function openGolden(folder: string): Promise<Golden> {
  const path = join(folder, 'golden.json');
  const reader = readObject(parseConfig(await readFileBytes(path), path), path);
  reader.rejectUnknown(['config', 'first_loss', 'optimizer', 'loss_curve', 'grad_norm_curve', 'note']);
  const expected = await openSafetensors(await fileReader(join(folder, 'golden.safetensors')));
  try {
    const tokens = expected.tensors.get('tokens')?.shape ?? [];
    const config = parseGoldenConfig(reader.object('config'), (tokens[2] ?? 2) - 1);
    const weights = await openSafetensors(await fileReader(join(folder, 'model.safetensors')));
    return {
      config,
      optimizer: parseOptimizer(reader.object('optimizer')),
      firstLoss: reader.number('first_loss'),
      losses: numbers(reader, 'loss_curve'),
      gradientNorms: numbers(reader, 'grad_norm_curve'),
      weights,
      expected,
      close: async () => {
        await weights.close();
        await expected.close();
      },
    };
  } catch (error) {
    await expected.close();
    throw error;
  }
}

function parseGoldenConfig(reader: ObjectReader, contextLength: number): DecoderConfig {
  reader.rejectUnknown(CONFIG_KEYS);
  const hiddenSize = reader.positiveInteger('hidden_size');
  const heads = reader.positiveInteger('num_attention_heads');
  const ternary = reader.oneOf('weight_bits', ['full', '1.58']) === '1.58';
  const config: DecoderConfig = {
    vocabularySize: reader.positiveInteger('vocab_size'),
    hiddenSize,
    intermediateSize: reader.positiveInteger('intermediate_size'),
    layers: reader.positiveInteger('num_hidden_layers'),
    heads,
    keyValueHeads: reader.positiveInteger('num_key_value_heads'),
    headSize: hiddenSize / heads,
    contextLength,
    slidingWindow: 0,
    ropeTheta: reader.number('rope_theta', { min: 1 }),
    normEpsilon: reader.number('rms_norm_eps', { min: 0 }),
    activation: reader.oneOf('hidden_act', ['relu2', 'silu']) === 'silu' ? 'silu' : 'squared-relu',
    subLayerNorms: reader.boolean('sub_layer_norms'),
    tiedEmbedding: reader.boolean('tie_word_embeddings'),
    linear: {
      sparsity: parseSelection(reader),
      weights: ternary ? 'ternary' : 'full',
      activations: ternary ? 'int8' : 'full',
      straightThrough: reader.boolean('ste'),
      rescale: 'none',
    },
  };
  checkConfig(config);
  return config;
}

function parseSelection(reader: ObjectReader): Sparsity {
  const kept = reader.number('top_k_keep', { min: 0, max: 1 });
  const block = reader.integer('top_k_block', { min: 0 });
  if (block > 0) return { kind: 'block', keep: Math.floor(kept * block + 1e-9), block };
  return kept === 1 ? { kind: 'dense' } : { kind: 'top-k', sparsity: 1 - kept };
}

function parseOptimizer(reader: ObjectReader): Golden['optimizer'] {
  const [beta1, beta2] = numbers(reader, 'betas') as [number, number];
  return {
    learningRate: reader.number('lr'),
    beta1,
    beta2,
    epsilon: reader.number('eps'),
    weightDecay: reader.number('weight_decay'),
    clipNorm: reader.number('clip_global_norm'),
  };
}

function numbers(reader: ObjectReader, key: string): readonly number[] {
  const values = reader.array(key);
  if (!values.every((value): value is number => typeof value === 'number'))
    throw reader.invalid(key, 'a list of numbers');
  return values;
}
