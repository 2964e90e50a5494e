/** A model as one GGUF file that llama.cpp loads, with its tokenizer. */
import { basename } from 'node:path';
import { type TensorToWrite, toFloat32 } from '@qsparse/formats';
import {
  type GgufValue,
  ggufTensors,
  ggufTokenizer,
  llamaMetadata,
  tokenizerMetadata,
  type WritableType,
  writeGguf,
} from '@qsparse/formats/gguf';
import { writeFileAtomic } from '@qsparse/formats/node';
import { ggufForm, storedWeights } from '@qsparse/models';
import type { Exporter } from './exporter.ts';
import { type Source, sourceTokenizer } from './source.ts';

/** Throws ValueError for a model that llama.cpp has no architecture for, FormatError for such a tokenizer. */
export async function ggufExporter(source: Source, type: WritableType): Promise<Exporter> {
  const { decoder, ternaryScale } = source;
  const { model, extra, differences, notes } = ggufForm(decoder, { type, name: basename(source.name) });
  const tokenizer = await tokenizerOf(source);
  const metadata = new Map([...llamaMetadata(model), ...(tokenizer ?? NO_TOKENIZER)]);
  // llama.cpp rounds nothing itself.
  const form = decoder.linear.weights === 'ternary' ? 'rounded' : 'latent';
  return {
    what: `${model.architecture} of llama.cpp, ${type} weights`,
    differences,
    notes: [
      ...notes,
      ...(tokenizer ? [] : [`${source.name} has no tokenizer.json: the file takes and gives ids alone`]),
    ],
    async write(path, signal) {
      const store = await source.openWeights();
      try {
        const weights = storedWeights(decoder, store, { ternaryScale, form }).map(inSingle);
        const tensors = [...extra, ...ggufTensors(model, weights, { type })];
        await writeFileAtomic(path, async (sink) => {
          await writeGguf(sink, tensors, { metadata, signal });
        });
      } finally {
        await store.close();
      }
    },
  };
}

const NO_TOKENIZER: ReadonlyMap<string, GgufValue> = new Map([
  ['tokenizer.ggml.model', { type: 'string', value: 'none' }],
]);

async function tokenizerOf(source: Source): Promise<ReadonlyMap<string, GgufValue> | undefined> {
  const tokenizer = await sourceTokenizer(source);
  if (!tokenizer) return undefined;
  const { beginOfText, endOfText, stopTokens, chatTemplates } = tokenizer;
  return tokenizerMetadata(
    ggufTokenizer(tokenizer.toJson(), {
      rows: source.decoder.vocabularySize,
      beginOfText,
      endOfText,
      endOfTurn: stopTokens.find((id) => id !== endOfText),
      chatTemplate: chatTemplates.get('default')?.template,
    }),
  );
}

/** GGUF has no use for float64, which the reference device trains in. */
function inSingle(tensor: TensorToWrite): TensorToWrite {
  const { name, dtype, data } = tensor;
  if (dtype !== 'f64') return tensor;
  const read = async () => {
    const elements = typeof data === 'function' ? await data() : data;
    return toFloat32({ name, dtype, data: elements } as Parameters<typeof toFloat32>[0]);
  };
  return { ...tensor, dtype: 'f32', data: read };
}
