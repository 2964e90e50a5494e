/**
 * A golden folder: a small decoder and what another implementation computed with it in float64.
 *
 *   model.safetensors    weights, f32, Hugging Face names
 *   golden.safetensors   tokens i32 [batches, B, T + 1]; logits [B, T, V] of batch 0; grad.NAME of batch 0
 *   golden.json          config, optimizer, first_loss, loss_curve, grad_norm_curve (one AdamW step a batch)
 */
import { join } from 'node:path';
import {
  FormatError,
  type ObjectReader,
  openSafetensors,
  parseConfig,
  readObject,
  type TensorInfo,
  type TensorStore,
} from '@qsparse/formats';
import { openFileReader, readFileBytes } from '@qsparse/formats/node';
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
  const expected = await openSafetensors(await openFileReader(join(folder, 'golden.safetensors')));
  try {
    const [steps, , width] = tokensShape(expected);
    const golden = {
      config: parseGoldenConfig(reader.object('config'), width - 1),
      optimizer: parseOptimizer(reader.object('optimizer')),
      firstLoss: reader.number('first_loss'),
      losses: numbers(reader, 'loss_curve', steps),
      gradientNorms: numbers(reader, 'grad_norm_curve', steps),
    };
    const weights = await openSafetensors(await openFileReader(join(folder, 'model.safetensors')));
    const close = async () => {
      await weights.close();
      await expected.close();
    };
    return { ...golden, weights, expected, close };
  } catch (error) {
    await expected.close();
    throw error;
  }
}

/** Steps, rows and row length + 1 of the token batches. */
function tokensShape(store: TensorStore): readonly [number, number, number] {
  const { dtype, shape } = findTokens(store);
  const [steps = 0, rows = 0, width = 0] = shape;
  if (dtype === 'i32' && shape.length === 3 && steps >= 2 && rows >= 1 && width >= 2)
    return [steps, rows, width];
  const required = 'must be i32 [2 or more steps, rows, 2 or more]';
  throw new FormatError(
    'shape',
    `[verify] ${store.name}: tensor "tokens" ${required}, got ${dtype} [${shape}]`,
    {
      file: store.name,
      tensor: 'tokens',
    },
  );
}

function findTokens(store: TensorStore): TensorInfo {
  const tokens = store.tensors.get('tokens');
  if (tokens) return tokens;
  throw new FormatError(
    'missing-tensor',
    `[verify] ${store.name}: tensor "tokens" is missing; check the folder`,
    {
      file: store.name,
      tensor: 'tokens',
    },
  );
}

function parseGoldenConfig(reader: ObjectReader, contextLength: number): DecoderConfig {
  reader.rejectUnknown(CONFIG_KEYS);
  const hiddenSize = reader.positiveInteger('hidden_size');
  const heads = reader.positiveInteger('num_attention_heads');
  if (hiddenSize % heads !== 0)
    throw reader.invalid('hidden_size', `a multiple of num_attention_heads (${heads})`);
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
    ropeTheta: reader.number('rope_theta'),
    normEpsilon: reader.number('rms_norm_eps'),
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
  reader.rejectUnknown(['lr', 'betas', 'eps', 'weight_decay', 'decay', 'clip_global_norm']);
  const [beta1, beta2] = numbers(reader, 'betas', 2) as [number, number];
  return {
    learningRate: reader.number('lr'),
    beta1,
    beta2,
    epsilon: reader.number('eps'),
    weightDecay: reader.number('weight_decay'),
    clipNorm: reader.number('clip_global_norm'),
  };
}

function numbers(reader: ObjectReader, key: string, count: number): readonly number[] {
  const values = reader.array(key);
  if (values.length === count && values.every((value): value is number => typeof value === 'number'))
    return values as readonly number[];
  throw reader.invalid(key, `a list of ${count} numbers`);
}
