// Elements of GGUF tensors to float32 and back, byte for byte as ggml's reference functions do it.
import { show, showName } from '../display.ts';
import { FormatError, type FormatErrorCode } from '../errors.ts';
import { viewAs } from '../safetensors/dtype.ts';
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from '../safetensors/half.ts';
import { type BlockCodec, blockScales, decodeBlocks, encodeBlocks } from './blocks/codec.ts';
import { decodeI2s, i2sScale } from './blocks/i2-s.ts';
import { q4_0 } from './blocks/q4-0.ts';
import { q8_0 } from './blocks/q8-0.ts';
import { tq1_0 } from './blocks/tq1-0.ts';
import { tq2_0 } from './blocks/tq2-0.ts';
import { type GgmlType, ggmlBytes } from './ggml-types.ts';

/** A tensor as it is in a file. */
export interface GgufTensor {
  readonly name: string;
  readonly type: GgmlType;
  /** Row-major sizes; [] for a scalar. */
  readonly shape: readonly number[];
  /** Its elements, or their blocks. */
  readonly bytes: Uint8Array;
  /** Where it comes from, for messages. */
  readonly file?: string | undefined;
}

const BLOCKS: Partial<Record<GgmlType, BlockCodec>> = { Q8_0: q8_0, Q4_0: q4_0, TQ1_0: tq1_0, TQ2_0: tq2_0 };

/** Types whose elements can be read as numbers. */
export const READABLE_TYPES: readonly GgmlType[] = [
  'F32',
  'F16',
  'BF16',
  'Q8_0',
  'Q4_0',
  'TQ1_0',
  'TQ2_0',
  'I2_S',
];

/** Types that numbers can be written as. */
export type WritableType = 'F32' | 'F16' | 'BF16' | 'Q8_0' | 'TQ1_0' | 'TQ2_0';
export const WRITABLE_TYPES: readonly WritableType[] = ['F32', 'F16', 'BF16', 'Q8_0', 'TQ1_0', 'TQ2_0'];

/**
 * All elements as float32: F32 as it is (the same memory where it is aligned), F16 and BF16 exactly, of blocks code
 * times scale.
 * @throws FormatError `dtype` for a type that is not in READABLE_TYPES, `byte-count` where bytes and shape disagree,
 * `value` for codes that mean nothing
 */
export function ggufToFloat32(tensor: GgufTensor): Float32Array {
  const { type, bytes } = tensor;
  const count = requireBytes(tensor);
  const codec = BLOCKS[type];
  if (codec) {
    const out = new Float32Array(count);
    decodeBlocks(codec, bytes, out);
    return out;
  }
  switch (type) {
    case 'F32':
      return viewAs('f32', bytes);
    case 'F16':
      return f16ToF32(viewAs('f16', bytes));
    case 'BF16':
      return bf16ToF32(viewAs('bf16', bytes));
    case 'I2_S':
      return decodeWholeI2s(tensor, new Float32Array(count), i2sScale(bytes, count));
    default:
      throw tensorError(tensor, 'dtype', `elements of ${READABLE_TYPES.join(', ')} can be read, got ${type}`);
  }
}

/** Ternary weights as integers beside the one number that all of them are multiplied by. */
export interface TernaryTensor {
  /** -1, 0 and 1, row-major. */
  readonly values: Int8Array<ArrayBuffer>;
  readonly scale: number;
}

/**
 * The ternary weights of an I2_S tensor, or of a TQ1_0 or TQ2_0 tensor whose blocks have one scale; blocks of zeros
 * have none.
 * @throws FormatError `dtype` for another type, `value` where the scales differ, or as `ggufToFloat32`
 */
export function ggufToTernary(tensor: GgufTensor): TernaryTensor {
  const { type, bytes } = tensor;
  const values = new Int8Array(requireBytes(tensor));
  if (type === 'I2_S') {
    decodeWholeI2s(tensor, values, 1);
    return { values, scale: i2sScale(bytes, values.length) };
  }
  const codec = BLOCKS[type];
  if (!codec || !isTernaryType(type))
    throw tensorError(tensor, 'dtype', `I2_S, TQ1_0 or TQ2_0 is required, got ${type}`);
  const scales = blockScales(codec, bytes);
  let scale = 0;
  for (let block = 0; block < scales.length; block++) {
    const own = scales[block]!;
    codec.decode(bytes, block * codec.bytes, values, block * codec.elements, own === 0 ? 0 : 1);
    if (own === 0) continue;
    if (scale !== 0 && own !== scale)
      throw tensorError(tensor, 'value', `one scale for all blocks is required, got ${scale} and ${own}`);
    scale = own;
  }
  return { values, scale };
}

/** Whether `ggufToTernary` may be asked. */
export function isTernaryType(type: GgmlType): boolean {
  return type === 'I2_S' || type === 'TQ1_0' || type === 'TQ2_0';
}

/**
 * Numbers to the bytes of a type. F16 and BF16 round to nearest, ties to even; blocks as ggml's reference functions.
 * TQ1_0 and TQ2_0 take the largest magnitude of 256 elements as scale, so that they hold weights that are ternary
 * already, and round others off.
 * @param values whole blocks of 32 (Q8_0) or 256 (TQ1_0, TQ2_0)
 * @param name the tensor, for messages
 * @throws FormatError `byte-count` for a part of a block, `value` for blocks with NaN, infinity, or a scale beyond
 * float16
 */
export function float32ToGguf(type: WritableType, values: Float32Array, name = 'values'): Uint8Array {
  const size = ggmlBytes(type, [values.length]);
  if (typeof size !== 'number')
    throw writeError(name, 'byte-count', `${size.required} are required, got ${values.length} elements`);
  if (type === 'F32') return bytesOf(values);
  if (type === 'F16') return bytesOf(f32ToF16(values));
  if (type === 'BF16') return bytesOf(f32ToBf16(values));
  const codec = BLOCKS[type];
  if (!codec?.encoder)
    throw writeError(name, 'dtype', `type must be one of ${WRITABLE_TYPES.join(', ')}, got ${show(type)}`);
  const bytes = new Uint8Array(size);
  const wrong = encodeBlocks(codec, codec.encoder, values, bytes);
  if (wrong === undefined) return bytes;
  const from = wrong * codec.elements;
  throw writeError(
    name,
    'value',
    `${type} holds finite numbers with a scale below 65520, elements ${from} to ${from + codec.elements - 1} are not`,
  );
}

function decodeWholeI2s<E extends Float32Array | Int8Array>(tensor: GgufTensor, out: E, scale: number): E {
  if (decodeI2s(tensor.bytes, out, scale)) return out;
  throw tensorError(tensor, 'value', 'codes must be 0, 1 or 2, there is a 3; the file is damaged');
}

/** The number of elements. */
function requireBytes(tensor: GgufTensor): number {
  const { type, shape, bytes } = tensor;
  const size = ggmlBytes(type, shape);
  if (size !== bytes.length) {
    const required = typeof size === 'number' ? `${size} bytes for shape ${show(shape)}` : size.required;
    throw tensorError(tensor, 'byte-count', `${type} requires ${required}, got ${bytes.length} bytes`);
  }
  return shape.reduce((product, each) => product * each, 1);
}

function bytesOf(array: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function tensorError({ name, file }: GgufTensor, code: FormatErrorCode, problem: string): FormatError {
  const where = file === undefined ? '' : `${showName(file)}, `;
  return new FormatError(code, `[gguf] ${where}tensor ${show(name)}: ${problem}`, { file, tensor: name });
}

function writeError(name: string, code: FormatErrorCode, problem: string): FormatError {
  const message = `[gguf] tensor ${show(name)} to write: ${problem}; correct what is passed`;
  return new FormatError(code, message, { tensor: name });
}
