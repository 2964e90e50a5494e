/** A model as a folder of safetensors: in the form of transformers, or our own with ternary weights four to a byte. */
import type { Dtype, JsonObject, TensorStore } from '@qsparse/formats';
import { formatModelConfig, type HuggingFaceForm, huggingFaceForm, storedWeights } from '@qsparse/models';
import type { Exporter } from './exporter.ts';
import type { Source } from './source.ts';
import { writeModelFolder } from './write-folder.ts';

/** Throws ValueError where transformers has no class for the model. */
export async function safetensorsExporter(source: Source, packed: boolean): Promise<Exporter> {
  const { decoder, beginOfText, endOfText } = source;
  const dtype = await dtypeOf(source);
  const form: HuggingFaceForm = huggingFaceForm(decoder, { packed, dtype, beginOfText, endOfText });
  const weights = packed ? 'packed in two bits' : decoder.linear.weights;
  return {
    what: `${form.architecture} of transformers, ${weights} weights`,
    differences: form.differences,
    notes: [],
    write: (path, signal) => write(source, path, { config: form.json, packed, signal }),
  };
}

/** A Q-Sparse folder, with all that the model computes; ternary weights are rounded and packed. */
export function qsparseExporter(source: Source): Exporter {
  const { decoder } = source;
  const packed = decoder.linear.weights === 'ternary';
  return {
    what: `a Q-Sparse model, ${packed ? 'ternary weights packed in two bits' : 'full weights'}`,
    differences: [],
    notes: packed ? ['training goes on from a run, not from rounded weights'] : [],
    write: (path, signal) =>
      write(source, path, { config: formatModelConfig(decoder, { ...source, packed }), packed, signal }),
  };
}

interface WriteOptions {
  readonly config: JsonObject;
  readonly packed: boolean;
  readonly signal: AbortSignal;
}

async function write(
  { decoder, ternaryScale, tokenizer, openWeights }: Source,
  path: string,
  { config, packed, signal }: WriteOptions,
): Promise<void> {
  const store = await openWeights();
  try {
    const tensors = storedWeights(decoder, store, { ternaryScale, form: packed ? 'packed' : 'latent' });
    await writeModelFolder(path, { config, files: tokenizer, tensors }, signal);
  } finally {
    await store.close();
  }
}

const TORCH: Partial<Record<Dtype, string>> = {
  f64: 'float64',
  f32: 'float32',
  bf16: 'bfloat16',
  f16: 'float16',
};

/** What the embedding is stored in, in torch's words. */
async function dtypeOf(source: Source): Promise<string | undefined> {
  const store: TensorStore = await source.openWeights();
  const dtype = store.tensors.get('model.embed_tokens.weight')?.dtype;
  await store.close();
  return dtype && TORCH[dtype];
}
