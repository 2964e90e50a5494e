// Tensors of a Hugging Face checkpoint as tensors of a GGUF file: other names, for some another type, for queries and
// keys of Llama another order of rows. Each is converted when the writer comes to it.
import { show } from '../display.ts';
import { FormatError, type FormatErrorCode } from '../errors.ts';
import { toFloat32 } from '../safetensors/read.ts';
import type { TensorArray, TensorToWrite } from '../safetensors/write.ts';
import type { WritableType } from './convert.ts';
import { GGML_TYPES, type GgmlType } from './ggml-types.ts';
import type { LlamaModel } from './llama-metadata.ts';
import { toAdjacentPairs } from './rotary-order.ts';
import { ggufTensorName } from './tensor-names.ts';
import type { GgufData, GgufTensorToWrite } from './write.ts';

export interface GgufTensorOptions {
  /** Of the linear layers, and where nothing else is said of all matrices. */
  readonly type: WritableType;
  /** Of embedding and head; default F16 beside TQ1_0 and TQ2_0, which would ruin them, otherwise `type`. */
  readonly embeddingType?: WritableType | undefined;
}

/**
 * For `writeGguf`, in the given order.
 * @param model decides the order of rows of queries and keys
 * @param tensors f32, f16 or bf16 under Hugging Face's names. Leave `lm_head.weight` out where the head is the embedding
 * @throws FormatError `unexpected-tensor` for a name without a counterpart, `dtype` for integers, `shape` for queries and
 * keys whose rows are not those of the heads
 */
export function ggufTensors(
  model: Pick<LlamaModel, 'architecture' | 'heads' | 'keyValueHeads'>,
  tensors: Iterable<TensorToWrite>,
  options: GgufTensorOptions,
): GgufTensorToWrite[] {
  return Array.from(tensors, (tensor) => {
    const name = ggufTensorName(tensor.name);
    if (name === undefined)
      throw exportError(
        tensor.name,
        'unexpected-tensor',
        'llama.cpp knows no tensor of the Llama family by this name',
      );
    if (!['f32', 'f16', 'bf16'].includes(tensor.dtype))
      throw exportError(tensor.name, 'dtype', `f32, f16 or bf16 is required, got ${tensor.dtype}`);
    const type = ggufTensorType(name, tensor.shape, options);
    const heads = adjacentHeads(model, name);
    if (heads !== undefined && !hasWholePairs(tensor.shape, heads)) {
      const problem = `rows for ${heads} heads of an even size are required, got shape ${show(tensor.shape)}`;
      throw exportError(tensor.name, 'shape', problem);
    }
    const convert = (data: TensorArray): GgufData => {
      const elements = elementsFor(type, tensor, data);
      return heads === undefined ? elements : toAdjacentPairs(elements, heads, tensor.shape[0] ?? 0);
    };
    const { data } = tensor;
    return {
      name,
      type,
      shape: tensor.shape,
      data: async () => convert(typeof data === 'function' ? await data() : data),
    };
  });
}

/**
 * The type that llama.cpp's converter gives a tensor: F32 for vectors, and F16 where a row does not hold whole blocks.
 * @param name in GGUF
 */
export function ggufTensorType(
  name: string,
  shape: readonly number[],
  { type, embeddingType }: GgufTensorOptions,
): WritableType {
  if (shape.length < 2) return 'F32';
  const isTernary = type === 'TQ1_0' || type === 'TQ2_0';
  const isEmbedding = name === 'token_embd.weight' || name === 'output.weight';
  const wanted = isEmbedding ? (embeddingType ?? (isTernary ? 'F16' : type)) : type;
  return shape.at(-1)! % GGML_TYPES[wanted].elements === 0 ? wanted : 'F16';
}

/** Heads of a projection whose rows llama.cpp wants in pairs of neighbours; undefined for all other tensors. */
export function adjacentHeads(
  { architecture, heads, keyValueHeads }: Pick<LlamaModel, 'architecture' | 'heads' | 'keyValueHeads'>,
  name: string,
): number | undefined {
  if (architecture !== 'llama') return undefined;
  if (/\.attn_q\.(weight|bias)$/.test(name)) return heads;
  return /\.attn_k\.(weight|bias)$/.test(name) ? keyValueHeads : undefined;
}

/** Whether rows can be ordered: the same number of pairs for each head. */
export function hasWholePairs(shape: readonly number[], heads: number): boolean {
  const rows = shape[0] ?? 0;
  return rows > 0 && rows % (2 * heads) === 0;
}

/** The bits as they are where the type stays the same. */
function elementsFor(
  type: GgmlType,
  { name, dtype }: TensorToWrite,
  data: TensorArray,
): Float32Array | Uint16Array {
  const isSame = (dtype === 'f16' && type === 'F16') || (dtype === 'bf16' && type === 'BF16');
  return isSame ? (data as Uint16Array) : toFloat32({ name, dtype, data } as Parameters<typeof toFloat32>[0]);
}

function exportError(tensor: string, code: FormatErrorCode, problem: string): FormatError {
  return new FormatError(
    code,
    `[gguf] tensor ${show(tensor)} to write: ${problem}; leave it out or correct it`,
    {
      tensor,
    },
  );
}
