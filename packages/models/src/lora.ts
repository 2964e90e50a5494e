/**
 * `@qsparse/models/lora`: LoRA adapters as PEFT stores them: adapter_config.json and adapter_model.safetensors, and their weights merged into those of
 * a checkpoint, W + (alpha / rank) · B A (Hu et al., arXiv 2106.09685).
 */
import {
  FormatError,
  type JsonObject,
  readObject,
  type TensorStore,
  type TensorToWrite,
  toFloats,
} from '@qsparse/formats';
import type { LoraOptions } from '@qsparse/layers';
import { eachPiece } from './pieces.ts';

/** Names of the two files. */
export const ADAPTER_CONFIG = 'adapter_config.json';
export const ADAPTER_WEIGHTS = 'adapter_model.safetensors';

export interface AdapterConfig extends Pick<LoraOptions, 'rank' | 'alpha'> {
  /** Folder or name of the model that the adapter is for; undefined where the file does not say. */
  readonly base: string | undefined;
}

/** The adapter_config.json of a LoRA adapter, which PEFT reads. */
export function formatAdapterConfig({ rank, alpha, targets }: LoraOptions, base: string): JsonObject {
  return {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: base,
    r: rank,
    lora_alpha: alpha,
    target_modules: [...targets],
    lora_dropout: 0,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
  };
}

/** Keys that would change what the adapter does, with the values that do not. */
const PLAIN: Readonly<Record<string, readonly unknown[]>> = {
  peft_type: ['LORA'],
  bias: ['none'],
  fan_in_fan_out: [false],
  use_dora: [false],
  use_rslora: [false],
  modules_to_save: [],
  rank_pattern: ['{}'],
  alpha_pattern: ['{}'],
};

/** Throws FormatError naming the key for another kind of adapter. */
export function parseAdapterConfig(json: JsonObject, label: string = ADAPTER_CONFIG): AdapterConfig {
  const reader = readObject(json, label);
  reader.string('peft_type');
  for (const [key, values] of Object.entries(PLAIN)) {
    const value = reader.get(key);
    const isPlain = values.includes(typeof value === 'object' ? JSON.stringify(value) : value);
    if (value !== undefined && !isPlain)
      throw reader.invalid(
        key,
        `${values.length > 0 ? values.join(' or ') : 'absent'}: no other adapters are read here`,
      );
  }
  return {
    rank: reader.positiveInteger('r'),
    alpha: reader.number('lora_alpha', { min: Number.MIN_VALUE }),
    base: reader.string('base_model_name_or_path', { fallback: undefined }),
  };
}

/**
 * The weights with the adapter in them; those that it changes are f32. For a writer: the adapter's store stays open until then.
 * Throws FormatError naming the first tensor of the adapter that belongs to no weight, or has another shape.
 */
export function mergedWeights(
  weights: readonly TensorToWrite[],
  adapter: TensorStore,
  { rank, alpha }: Pick<AdapterConfig, 'rank' | 'alpha'>,
): TensorToWrite[] {
  const targets = new Map<string, TensorToWrite>();
  for (const [tensor, { shape }] of adapter.tensors) {
    const fail = (problem: string): never => {
      throw new FormatError(
        'unexpected-tensor',
        `[merge] ${adapter.name}: tensor ${tensor} ${problem}; check that the adapter belongs to this model`,
        { file: adapter.name, tensor },
      );
    };
    const [, module, part] = /^base_model\.model\.(.+)\.lora_([AB])\.weight$/.exec(tensor) ?? [];
    const weight = weights.find(({ name }) => name === `${module}.weight`);
    if (weight?.shape.length !== 2) return fail('belongs to no weight of the model');
    const [outputs, inputs] = weight.shape as [number, number];
    const wanted = part === 'A' ? [rank, inputs] : [outputs, rank];
    if (shape.join() !== wanted.join())
      fail(`must have shape [${wanted.join(', ')}], got [${shape.join(', ')}]`);
    if (!adapter.tensors.has(`base_model.model.${module}.lora_${part === 'A' ? 'B' : 'A'}.weight`))
      fail('has no other half');
    targets.set(weight.name, weight);
  }
  return weights.map((weight) => {
    if (!targets.has(weight.name)) return weight;
    const root = `base_model.model.${weight.name.replace(/weight$/, '')}`;
    const data = async (): Promise<Float32Array> =>
      merged(
        weight,
        await halfOf(adapter, `${root}lora_A.weight`),
        await halfOf(adapter, `${root}lora_B.weight`),
        alpha / rank,
      );
    return { ...weight, dtype: 'f32', data };
  });
}

async function halfOf(adapter: TensorStore, name: string): Promise<Float32Array | Float64Array> {
  return toFloats(await adapter.read(name));
}

async function merged(
  { name, dtype, shape, data }: TensorToWrite,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  scale: number,
): Promise<Float32Array> {
  const [outputs, inputs] = shape as readonly [number, number];
  const rank = a.length / inputs;
  const sum = new Float32Array(outputs * inputs);
  const stored = typeof data === 'function' ? await data() : data;
  eachPiece({ name, dtype, data: stored } as Parameters<typeof eachPiece>[0], (start, piece) =>
    sum.set(piece, start),
  );
  const row = new Float64Array(inputs);
  for (let i = 0; i < outputs; i++) {
    row.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = b[i * rank + r]!;
      for (let j = 0; j < inputs; j++) row[j]! += factor * a[r * inputs + j]!;
    }
    for (let j = 0; j < inputs; j++) sum[i * inputs + j]! += scale * row[j]!;
  }
  return sum;
}
