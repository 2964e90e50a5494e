// A GGUF file of the Llama family as the tensor store of a Hugging Face checkpoint: its names, its order of rows, its
// element types. What loads safetensors loads GGUF through this.
import { show, showName } from '../display.ts';
import { FormatError, type FormatErrorCode } from '../errors.ts';
import { type Dtype, viewAs } from '../safetensors/dtype.ts';
import type { TensorInfo } from '../safetensors/header.ts';
import type { LoadedTensor, TensorStore } from '../safetensors/read.ts';
import { type GgufTensor, ggufToFloat32, ggufToTernary, isTernaryType, READABLE_TYPES } from './convert.ts';
import { adjacentHeads, hasWholePairs } from './export-tensors.ts';
import type { GgmlType } from './ggml-types.ts';
import type { GgufTensorInfo } from './header.ts';
import { type LlamaModel, parseLlamaMetadata } from './llama-metadata.ts';
import { type GgufStore, missingTensor } from './read.ts';
import { ROPE_FACTORS } from './rope-factors.ts';
import { type RowArray, toHalfPairs } from './rotary-order.ts';
import { huggingFaceTensorName } from './tensor-names.ts';

export interface HuggingFaceStoreOptions {
  /**
   * How ternary tensors (I2_S, TQ1_0, TQ2_0) come: `float`, multiplied by their scale, or `integer`, as i8 with the
   * scale as a tensor of its own, `<name>_scale` f32 [1], which multiplies them. Default `float`.
   */
  readonly ternary?: 'float' | 'integer' | undefined;
}

/**
 * F32, F16 and BF16 keep their type, blocks become f32. `rope_freqs.weight` is left out (`llama3ScalingOf` reads it);
 * other tensors that have no name in a checkpoint keep their own.
 * @param file belongs to the store from now on
 * @throws FormatError naming the first tensor of a type that cannot be read (`dtype`), with a name that another one has
 * too (`duplicate-key`) or with rows that are not those of the heads (`shape`), and as `parseLlamaMetadata`
 */
export function huggingFaceStore(
  file: GgufStore,
  { ternary = 'float' }: HuggingFaceStoreOptions = {},
): TensorStore {
  const model = parseLlamaMetadata(file.metadata, file.name);
  const tensors = new Map<string, TensorInfo>();
  const sources = new Map<string, Source>();
  const add = (tensor: TensorInfo, source: Source): void => {
    if (tensors.has(tensor.name)) {
      const problem = `another one is ${show(tensor.name)} too; convert the model again`;
      throw storeError(file, source.info, 'duplicate-key', problem);
    }
    tensors.set(tensor.name, tensor);
    sources.set(tensor.name, source);
  };
  for (const info of file.tensors.values()) {
    if (info.name === ROPE_FACTORS) continue;
    requireReadable(file, info, model);
    const { type, shape, byteOffset, byteLength } = info;
    const name = huggingFaceTensorName(info.name) ?? info.name;
    const place = { byteOffset, byteLength };
    if (ternary === 'integer' && isTernaryType(type)) {
      add({ name, dtype: 'i8', shape, ...place }, { info, part: 'values' });
      add({ name: `${name}_scale`, dtype: 'f32', shape: [1], ...place }, { info, part: 'scale' });
    } else {
      add({ name, dtype: PLAIN[type] ?? 'f32', shape, ...place }, { info, part: 'all' });
    }
  }
  return {
    name: file.name,
    metadata: textsOf(file),
    tensors,
    async read(name, signal) {
      const source = sources.get(name);
      if (!source) throw missingTensor(name, sources.keys(), file.name);
      return { name, ...load(await file.read(source.info.name, signal), source.part, model) } as LoadedTensor;
    },
    close: () => file.close(),
  };
}

interface Source {
  readonly info: GgufTensorInfo;
  readonly part: 'all' | 'values' | 'scale';
}

const PLAIN: Partial<Record<GgmlType, Dtype>> = { F32: 'f32', F16: 'f16', BF16: 'bf16' };

function load(tensor: GgufTensor, part: Source['part'], model: LlamaModel): Omit<LoadedTensor, 'name'> {
  const { type, shape, bytes } = tensor;
  const heads = adjacentHeads(model, tensor.name);
  const ordered = <A extends RowArray>(rows: A): A =>
    heads === undefined ? rows : toHalfPairs(rows, heads, shape[0] ?? 0);
  if (part === 'all') {
    const dtype = PLAIN[type] ?? 'f32';
    const data = dtype === 'f32' ? ggufToFloat32(tensor) : (viewAs(dtype, bytes) as Uint16Array);
    return { dtype, shape, data: ordered<Float32Array | Uint16Array>(data) } as Omit<LoadedTensor, 'name'>;
  }
  const { values, scale } = ggufToTernary(tensor);
  if (part === 'scale') return { dtype: 'f32', shape: [1], data: Float32Array.of(scale) };
  return { dtype: 'i8', shape, data: ordered(values) };
}

function requireReadable(file: GgufStore, info: GgufTensorInfo, model: LlamaModel): void {
  const { name, type, shape } = info;
  if (!READABLE_TYPES.includes(type)) {
    const problem = `elements of ${READABLE_TYPES.join(', ')} can be read, got ${type}; quantise the model to one of these`;
    throw storeError(file, info, 'dtype', problem);
  }
  const heads = adjacentHeads(model, name);
  if (heads === undefined || hasWholePairs(shape, heads)) return;
  const problem = `rows for ${heads} heads of an even size are required, got shape ${show(shape)}; convert the model again`;
  throw storeError(file, info, 'shape', problem);
}

function storeError(
  file: GgufStore,
  { name }: GgufTensorInfo,
  code: FormatErrorCode,
  problem: string,
): FormatError {
  const message = `[gguf] ${showName(file.name)}, tensor ${show(name)}: ${problem}`;
  return new FormatError(code, message, { file: file.name, tensor: name });
}

/** The metadata that a safetensors file could hold too. */
function textsOf({ metadata }: GgufStore): ReadonlyMap<string, string> {
  return new Map(
    [...metadata].flatMap(([key, value]): [string, string][] =>
      key.startsWith('general.') && value.type === 'string' ? [[key, value.value]] : [],
    ),
  );
}
