/**
 * A GGUF file of random ternary weights for llama.cpp and what is built on it: linear layers in TQ2_0, the embedding, which is
 * the head too, in Q8_0. Written by the writer that `qsparse export` has.
 */
import { trainBpe } from '@qsparse/data';
import {
  FILE_TYPES,
  float32ToGguf,
  type GgufTensorToWrite,
  ggufTensorName,
  ggufTokenizer,
  llamaMetadata,
  tokenizerMetadata,
  writeGguf,
} from '@qsparse/formats/gguf';
import { writeFileAtomic } from '@qsparse/formats/node';
import { blockLinears, CONTEXT, type PeerShape, randomNumbers } from './shapes.ts';

const TYPES = {
  TQ2_0: { elements: 256, bytes: 66 },
  Q8_0: { elements: 32, bytes: 34 },
} as const;

/** Writes all of it or nothing. */
export async function writeGgufModel(path: string, name: string, shape: PeerShape): Promise<void> {
  const { hiddenSize: d, layers, heads, vocabularySize } = shape;
  const random = randomNumbers(88_675_123);
  const deviation = 1 / Math.sqrt(d);
  const pools = {
    TQ2_0: poolOf('TQ2_0', () => (Math.floor(3 * random()) - 1) * 1.22 * deviation),
    Q8_0: poolOf('Q8_0', () => (2 * random() - 1) * 1.7 * deviation),
  };
  const matrix = (tensor: string, type: keyof typeof TYPES, rows: number, columns: number) => {
    const bytes = (rows * columns * TYPES[type].bytes) / TYPES[type].elements;
    // From another place of the pool each, so that no two matrices have the same rows.
    const from = Math.floor(random() * 1000) * TYPES[type].bytes;
    const data = () => repeated(pools[type], from, bytes);
    return { name: nameOf(tensor), type, shape: [rows, columns], data } satisfies GgufTensorToWrite;
  };
  const norm = (tensor: string): GgufTensorToWrite => ({
    name: nameOf(tensor),
    type: 'F32',
    shape: [d],
    data: new Float32Array(d).fill(1),
  });
  const tensors: GgufTensorToWrite[] = [
    matrix('model.embed_tokens', 'Q8_0', vocabularySize, d),
    norm('model.norm'),
  ];
  for (let layer = 0; layer < layers; layer++) {
    const block = `model.layers.${layer}.`;
    tensors.push(norm(`${block}input_layernorm`), norm(`${block}post_attention_layernorm`));
    for (const linear of blockLinears(shape))
      tensors.push(matrix(block + linear.name, 'TQ2_0', linear.outputs, linear.inputs));
  }
  const model = llamaMetadata({
    ...{ architecture: 'llama', name, ...shape, headSize: d / heads, contextLength: CONTEXT },
    ...{ normEpsilon: 1e-6, ropeTheta: 10_000, fileType: FILE_TYPES.TQ2_0 },
  });
  // Of some text: the programs do not load a model without a tokenizer.
  const tokenizer = await trainBpe(['the river and the stone'], { vocabSize: 262 });
  const texts = tokenizerMetadata(
    ggufTokenizer(tokenizer.toJson(), { rows: vocabularySize, endOfText: tokenizer.endOfText }),
  );
  await writeFileAtomic(path, async (sink) => {
    await writeGguf(sink, tensors, { metadata: new Map([...model, ...texts]) });
  });
}

function nameOf(tensor: string): string {
  const name = ggufTensorName(`${tensor}.weight`);
  if (name === undefined) throw new Error(`[bench] GGUF has no name for ${tensor}`);
  return name;
}

/** About a MiB of blocks, of an odd number so that rows do not repeat. */
function poolOf(type: keyof typeof TYPES, draw: () => number): Uint8Array {
  const blocks = Math.ceil(2 ** 20 / TYPES[type].bytes) | 1;
  return float32ToGguf(type, Float32Array.from({ length: blocks * TYPES[type].elements }, draw), type);
}

function repeated(pool: Uint8Array, from: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0, start = from; at < length; start = 0) {
    const part = pool.subarray(start, start + length - at);
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
