// A complete model of the Llama family as a GGUF file: a few layers of pseudo-random weights and a byte-level tokenizer,
// everything that llama.cpp asks for. Rows of 256 hold whole blocks of every type.
import type { TensorToWrite, TokenizerJson } from '@qsparse/formats';
import {
  FILE_TYPES,
  type GgufArchitecture,
  ggufTensors,
  ggufTokenizer,
  type LlamaModel,
  llamaMetadata,
  tokenizerMetadata,
  type WritableType,
} from '@qsparse/formats/gguf';
import { smallTokenizer } from './small-tokenizer.ts';
import { writtenGguf } from './written-gguf.ts';

export interface TinyModel {
  readonly model: LlamaModel;
  readonly tokenizer: TokenizerJson;
  /** As a Hugging Face checkpoint has them; linear layers are ternary times `scale` where they are packed so. */
  readonly tensors: readonly (TensorToWrite & { readonly data: Float32Array })[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface TinyModelOptions {
  readonly type?: WritableType;
  readonly architecture?: GgufArchitecture;
  readonly tiedEmbedding?: boolean;
}

const END_OF_TEXT = 262;
const ROWS = 264;

/** The scale of ternary weights: float16 holds it. */
export const TERNARY_SCALE = 0.0625;

export async function tinyGgufModel(options: TinyModelOptions = {}): Promise<TinyModel> {
  const { type = 'F32', architecture = 'llama', tiedEmbedding = false } = options;
  const model: LlamaModel = {
    architecture,
    name: 'tiny',
    vocabularySize: ROWS,
    hiddenSize: 256,
    intermediateSize: 512,
    layers: 2,
    heads: 4,
    keyValueHeads: 2,
    headSize: 64,
    contextLength: 128,
    normEpsilon: 1e-5,
    ropeTheta: 10_000,
    ropeScaling: undefined,
    slidingWindow: 0,
    fileType: FILE_TYPES[type],
  };
  const tensors = weightsOf(model, { ternary: type.startsWith('TQ'), tiedEmbedding });
  const tokenizer = smallTokenizer();
  const metadata = new Map([
    ...llamaMetadata(model),
    ...tokenizerMetadata(ggufTokenizer(tokenizer, { rows: ROWS, endOfText: END_OF_TEXT })),
  ]);
  return {
    model,
    tokenizer,
    tensors,
    bytes: await writtenGguf(ggufTensors(model, tensors, { type }), { metadata }),
  };
}

function weightsOf(
  {
    architecture,
    vocabularySize,
    hiddenSize,
    intermediateSize,
    layers,
    heads,
    keyValueHeads,
    headSize,
  }: LlamaModel,
  { ternary, tiedEmbedding }: { readonly ternary: boolean; readonly tiedEmbedding: boolean },
): TinyModel['tensors'] {
  const tensors: (TensorToWrite & { readonly data: Float32Array })[] = [];
  let seed = 1;
  const add = (name: string, shape: number[], element: (noise: number) => number): void => {
    const count = shape.reduce((product, size) => product * size, 1);
    const data = Float32Array.from({ length: count }, () => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return element(seed / 2 ** 31 - 1);
    });
    tensors.push({ name: `${name}.weight`, dtype: 'f32', shape, data });
  };
  const norm = (name: string, size = hiddenSize): void => add(name, [size], (noise) => 1 + 0.1 * noise);
  const linear = (name: string, rows: number, columns: number): void =>
    add(name, [rows, columns], (noise) =>
      ternary ? Math.round(1.4 * noise) * TERNARY_SCALE + 0 : 0.15 * noise,
    );
  add('model.embed_tokens', [vocabularySize, hiddenSize], (noise) => noise);
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `model.layers.${layer}`;
    norm(`${prefix}.input_layernorm`);
    linear(`${prefix}.self_attn.q_proj`, heads * headSize, hiddenSize);
    linear(`${prefix}.self_attn.k_proj`, keyValueHeads * headSize, hiddenSize);
    linear(`${prefix}.self_attn.v_proj`, keyValueHeads * headSize, hiddenSize);
    linear(`${prefix}.self_attn.o_proj`, hiddenSize, heads * headSize);
    if (architecture === 'qwen3')
      for (const part of ['q', 'k']) norm(`${prefix}.self_attn.${part}_norm`, headSize);
    norm(`${prefix}.post_attention_layernorm`);
    linear(`${prefix}.mlp.gate_proj`, intermediateSize, hiddenSize);
    linear(`${prefix}.mlp.up_proj`, intermediateSize, hiddenSize);
    linear(`${prefix}.mlp.down_proj`, hiddenSize, intermediateSize);
  }
  norm('model.norm');
  if (!tiedEmbedding) add('lm_head', [vocabularySize, hiddenSize], (noise) => 0.2 * noise);
  return tensors;
}
