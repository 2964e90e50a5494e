// Reading safetensors: the header at once, each tensor when it is asked for. A store keeps no tensor data.
import { show, showName } from '../display.ts';
import { FormatError } from '../errors.ts';
import { type ByteReader, readExactly } from '../io/byte-reader.ts';
import { didYouMean } from '../json/nearest-name.ts';
import { type Dtype, type DtypeArray, viewAs } from './dtype.ts';
import { bf16ToF32, f16ToF32 } from './half.ts';
import { type HeaderOptions, readHeader, type TensorInfo } from './header.ts';

interface TensorOf<D extends Dtype> {
  readonly name: string;
  readonly dtype: D;
  /** Row-major sizes; [] for a scalar. */
  readonly shape: readonly number[];
  /** All elements, in memory of their own. */
  readonly data: DtypeArray<D>;
}

/** One tensor in memory; `dtype` tells the type of `data`. */
export type LoadedTensor = { [D in Dtype]: TensorOf<D> }[Dtype];

/** Tensors of one file or of a sharded folder, by name. */
export interface TensorStore {
  /** File name or address. */
  readonly name: string;
  /** The text entries of the files (`__metadata__`). */
  readonly metadata: ReadonlyMap<string, string>;
  /** In the order of the data. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /**
   * Loads one tensor.
   * @throws FormatError `missing-tensor`, or what the reader throws
   */
  read(name: string, signal?: AbortSignal): Promise<LoadedTensor>;
  /** Closes the readers. */
  close(): Promise<void>;
}

/**
 * Reads and checks the header, and nothing else.
 * @param reader belongs to the store from now on: it is closed with it, and at once when the file is refused
 * @throws FormatError naming file and tensor, for everything that is not exactly a safetensors file
 */
export async function openSafetensors(reader: ByteReader, options: HeaderOptions = {}): Promise<TensorStore> {
  const name = reader.name ?? 'safetensors file';
  try {
    const { metadata, tensors } = await readHeader(reader, options);
    return {
      name,
      metadata,
      tensors,
      async read(tensorName, signal) {
        const tensor = findTensor(tensors, tensorName, name);
        return toLoaded(tensor, await readExactly(reader, tensor.byteOffset, tensor.byteLength, signal));
      },
      close: async () => reader.close?.(),
    };
  } catch (error) {
    await reader.close?.();
    throw error;
  }
}

/** @throws FormatError `missing-tensor`, with the nearest name when one is near. */
export function findTensor<T>(tensors: ReadonlyMap<string, T>, tensorName: string, file: string): T {
  const tensor = tensors.get(tensorName);
  if (tensor !== undefined) return tensor;
  const advice = didYouMean(tensorName, tensors.keys()) || '; check that config and weights belong together';
  throw new FormatError(
    'missing-tensor',
    `[safetensors] ${showName(file)}: tensor ${show(tensorName)} is required, the file has none of that name${advice}`,
    { file, tensor: tensorName },
  );
}

function toLoaded(info: TensorInfo, bytes: Uint8Array): LoadedTensor {
  const { name, dtype, shape } = info;
  return { name, dtype, shape, data: viewAs(dtype, bytes) } as LoadedTensor;
}

/**
 * A tensor's elements as float32: f32 as it is (the same array), bf16 and f16 exactly, f64 rounded to nearest.
 * @throws FormatError `dtype` for integers: a checkpoint that stores weights so means them packed
 */
export function toFloat32(tensor: Pick<LoadedTensor, 'name' | 'dtype' | 'data'>): Float32Array {
  const { dtype, data } = tensor;
  switch (dtype) {
    case 'f32':
      return data as Float32Array;
    case 'bf16':
      return bf16ToF32(data as Uint16Array);
    case 'f16':
      return f16ToF32(data as Uint16Array);
    case 'f64':
      return Float32Array.from(data as Float64Array);
    default:
      throw new FormatError(
        'dtype',
        `[toFloat32] tensor ${show(tensor.name)} must be f32, bf16, f16 or f64, got ${dtype}; use its data`,
        { tensor: tensor.name },
      );
  }
}

/**
 * A tensor's elements unrounded: f64 as it is, every other float as `toFloat32` has it.
 * @throws FormatError `dtype` for integers
 */
export function toFloats(tensor: Pick<LoadedTensor, 'name' | 'dtype' | 'data'>): Float32Array | Float64Array {
  return tensor.dtype === 'f64' ? (tensor.data as Float64Array) : toFloat32(tensor);
}
