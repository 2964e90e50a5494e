/** A model as a folder that transformers loads. */
import type { Dtype, TensorStore } from '@qsparse/formats';
import { type HuggingFaceForm, huggingFaceForm, storedWeights } from '@qsparse/models';
import type { Exporter } from './exporter.ts';
import type { Source } from './source.ts';
import { writeModelFolder } from './write-folder.ts';

/** Throws ValueError where transformers has no class for the model. */
export async function safetensorsExporter(source: Source, packed: boolean): Promise<Exporter> {
  const { decoder, ternaryScale, beginOfText, endOfText } = source;
  const dtype = await dtypeOf(source);
  const form: HuggingFaceForm = huggingFaceForm(decoder, { packed, dtype, beginOfText, endOfText });
  const weights = packed ? 'packed in two bits' : decoder.linear.weights;
  return {
    what: `${form.architecture} of transformers, ${weights} weights`,
    differences: form.differences,
    notes: [],
    async write(path, signal) {
      const store = await source.openWeights();
      try {
        const tensors = storedWeights(decoder, store, { ternaryScale, form: packed ? 'packed' : 'latent' });
        await writeModelFolder(path, { config: form.json, files: source.tokenizer, tensors }, signal);
      } finally {
        await store.close();
      }
    },
  };
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
