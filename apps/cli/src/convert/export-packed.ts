/** A model as a folder whose linear layers are packed for decoding: for this program alone, which loads it without floats. */
import { formatModelConfig, PACKED_DECODE, packedDecodeTensors, requirePackable } from '@qsparse/models';
import type { Exporter } from './exporter.ts';
import type { Source } from './source.ts';
import { writeModelFolder } from './write-folder.ts';

/** Throws ValueError for a model that is not ternary with int8 activations. */
export function packedExporter(source: Source, vocabulary: 'int8' | undefined): Exporter {
  const { decoder, ternaryScale, beginOfText, endOfText } = source;
  requirePackable(decoder);
  return {
    what: `packed for decoding, two bits a weight${vocabulary ? ', embedding and head in int8' : ''}`,
    differences: [],
    notes: ['only qsparse reads it, and only to generate: keep the model that it was made from'],
    async write(path, signal) {
      const store = await source.openWeights();
      try {
        const config = formatModelConfig(decoder, { beginOfText, endOfText });
        const tensors = packedDecodeTensors(decoder, store, { ternaryScale, vocabulary });
        const content = { config, files: source.tokenizer, tensors, metadata: PACKED_DECODE };
        await writeModelFolder(path, content, signal);
      } finally {
        await store.close();
      }
    },
  };
}
