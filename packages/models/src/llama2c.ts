/**
 * Models of llama2.c ("version 0" .bin files) as a decoder and a tensor store, so that they load, and are saved, as any
 * other checkpoint. Little-endian: seven int32 (width, feed-forward width, layers, heads, key-value heads, vocabulary,
 * context), then float32 arrays, each over all layers. A negative vocabulary says that the head is not the embedding.
 * https://github.com/karpathy/llama2.c
 */
import {
  type ByteReader,
  FormatError,
  type LoadedTensor,
  type TensorInfo,
  type TensorStore,
} from '@qsparse/formats';
import { checkConfig, DENSE, type DecoderConfig } from '@qsparse/layers';

export interface Llama2c {
  readonly decoder: DecoderConfig;
  /** Tensors under their names in Hugging Face checkpoints, f32, read when they are asked for. */
  readonly store: TensorStore;
}

const HEADER_BYTES = 7 * 4;

/**
 * Opens a .bin file. Its pairs of rotary positions are neighbours (2i, 2i + 1); the rows of q and k are given in the
 * order that makes the same model with pairs (i, i + D/2), as Hugging Face has them.
 *
 * @param reader belongs to the store from now on, and is closed where the file is refused
 * @throws FormatError for a file whose size its header does not explain
 */
export async function openLlama2c(reader: ByteReader): Promise<Llama2c> {
  const file = reader.name ?? 'llama2.c model';
  try {
    const decoder = decoderOf(await readHeader(reader, file), file);
    const places = placesOf(decoder);
    const end = (places.at(-1)?.start ?? 0) + (places.at(-1)?.size ?? 0);
    if (reader.size !== HEADER_BYTES + 4 * end)
      throw invalid(
        file,
        `${HEADER_BYTES + 4 * end} bytes are required by its header, it has ${reader.size}`,
      );
    return { decoder, store: storeOf(reader, file, decoder, places) };
  } catch (error) {
    await reader.close?.();
    throw error;
  }
}

async function readHeader(reader: ByteReader, file: string): Promise<Int32Array> {
  if (reader.size < HEADER_BYTES) throw invalid(file, `a header of ${HEADER_BYTES} bytes is required`);
  return new Int32Array((await reader.read(0, HEADER_BYTES)).slice().buffer);
}

function decoderOf(header: Int32Array, file: string): DecoderConfig {
  const [
    width = 0,
    intermediateSize = 0,
    layers = 0,
    heads = 0,
    keyValueHeads = 0,
    vocabulary = 0,
    context = 0,
  ] = header;
  const decoder: DecoderConfig = {
    vocabularySize: Math.abs(vocabulary),
    hiddenSize: width,
    intermediateSize,
    layers,
    heads,
    keyValueHeads,
    headSize: width / heads,
    contextLength: context,
    slidingWindow: 0,
    ropeTheta: 10_000,
    normEpsilon: 1e-5,
    activation: 'silu',
    subLayerNorms: false,
    tiedEmbedding: vocabulary > 0,
    linear: DENSE,
  };
  try {
    checkConfig(decoder);
  } catch (cause) {
    throw invalid(file, cause instanceof Error ? cause.message : String(cause), cause);
  }
  return decoder;
}

/** Where a tensor, or one that all layers share out, is: in float32 elements after the header. */
interface Place {
  readonly name: string;
  readonly shape: readonly number[];
  readonly start: number;
  readonly size: number;
}

/** The arrays in the order of the file. */
function placesOf({
  hiddenSize: d,
  intermediateSize: f,
  layers,
  heads,
  keyValueHeads,
  headSize,
  vocabularySize,
  contextLength,
  tiedEmbedding,
}: DecoderConfig): readonly Place[] {
  const places: Place[] = [];
  let start = 0;
  const add = (name: string, ...shape: number[]): void => {
    const size = shape.reduce((product, length) => product * length, 1);
    places.push({ name, shape, start, size });
    start += size;
  };
  const addToLayers = (name: string, ...shape: number[]): void => {
    for (let i = 0; i < layers; i++) add(`model.layers.${i}.${name}.weight`, ...shape);
  };
  add('model.embed_tokens.weight', vocabularySize, d);
  addToLayers('input_layernorm', d);
  addToLayers('self_attn.q_proj', heads * headSize, d);
  addToLayers('self_attn.k_proj', keyValueHeads * headSize, d);
  addToLayers('self_attn.v_proj', keyValueHeads * headSize, d);
  addToLayers('self_attn.o_proj', d, heads * headSize);
  addToLayers('post_attention_layernorm', d);
  addToLayers('mlp.gate_proj', f, d);
  addToLayers('mlp.down_proj', d, f);
  addToLayers('mlp.up_proj', f, d);
  add('model.norm.weight', d);
  add(ANGLES, 2, contextLength, headSize / 2);
  if (!tiedEmbedding) add('lm_head.weight', vocabularySize, d);
  return places;
}

/** Cosines and sines, which nobody needs. */
const ANGLES = 'angles';

function storeOf(
  reader: ByteReader,
  name: string,
  { headSize }: DecoderConfig,
  places: readonly Place[],
): TensorStore {
  const tensors = new Map<string, TensorInfo>();
  for (const { name: tensor, shape, start, size } of places) {
    if (tensor === ANGLES) continue;
    const [byteOffset, byteLength] = [HEADER_BYTES + 4 * start, 4 * size];
    tensors.set(tensor, { name: tensor, dtype: 'f32', shape, byteOffset, byteLength });
  }
  return {
    name,
    metadata: new Map(),
    tensors,
    async read(tensor, signal): Promise<LoadedTensor> {
      const info = tensors.get(tensor);
      if (!info)
        throw new FormatError('missing-tensor', `[llama2.c] ${name}: there is no tensor "${tensor}"`);
      const bytes = await reader.read(info.byteOffset, info.byteLength, signal);
      const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
      const stored = new Float32Array(aligned.buffer, aligned.byteOffset, info.byteLength / 4);
      const turns = /\.[qk]_proj\./.test(tensor);
      const data = turns
        ? pairedByHalves(stored, headSize, info.shape[1]!)
        : (stored as Float32Array<ArrayBuffer>);
      return { name: tensor, dtype: 'f32', shape: info.shape, data };
    },
    close: async () => reader.close?.(),
  };
}

/** Rows (2i, 2i + 1) of each head become rows (i, i + D/2). */
function pairedByHalves(rows: Float32Array, headSize: number, width: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(rows.length);
  for (let row = 0; row < rows.length / width; row++) {
    const inHead = row % headSize;
    const to = row - inHead + (inHead >> 1) + (inHead % 2) * (headSize / 2);
    out.set(rows.subarray(row * width, (row + 1) * width), to * width);
  }
  return out;
}

function invalid(file: string, problem: string, cause?: unknown): FormatError {
  const message = `[llama2.c] ${file}: ${problem}; is it a "version 0" model of llama2.c?`;
  return new FormatError('header', message, { file, cause });
}
