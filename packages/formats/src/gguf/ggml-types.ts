// Element types of GGUF tensors: their numbers in files and the bytes they take. Every type of ggml of which the size is
// known is here, so that a file can be listed and copied; elements are read and written only by ./blocks.
// Numbers: ggml.h; 36 is Microsoft's BitNet fork alone.
import { countElements } from '../safetensors/dtype.ts';

/** Names as llama.cpp prints them. */
export type GgmlType =
  | 'F32'
  | 'F16'
  | 'BF16'
  | 'F64'
  | 'I8'
  | 'I16'
  | 'I32'
  | 'I64'
  | 'Q4_0'
  | 'Q4_1'
  | 'Q5_0'
  | 'Q5_1'
  | 'Q8_0'
  | 'Q8_1'
  | 'Q2_K'
  | 'Q3_K'
  | 'Q4_K'
  | 'Q5_K'
  | 'Q6_K'
  | 'Q8_K'
  | 'IQ2_XXS'
  | 'IQ2_XS'
  | 'IQ3_XXS'
  | 'IQ1_S'
  | 'IQ4_NL'
  | 'IQ3_S'
  | 'IQ2_S'
  | 'IQ4_XS'
  | 'IQ1_M'
  | 'TQ1_0'
  | 'TQ2_0'
  | 'I2_S'
  | 'MXFP4'
  | 'NVFP4'
  | 'Q1_0';

interface GgmlTypeFacts {
  /** Its number in files. */
  readonly id: number;
  /** Elements of one block. A row holds whole blocks. */
  readonly elements: number;
  /** Bytes of one block. */
  readonly bytes: number;
}

const facts = (id: number, elements: number, bytes: number): GgmlTypeFacts => ({ id, elements, bytes });

export const GGML_TYPES: Readonly<Record<GgmlType, GgmlTypeFacts>> = {
  F32: facts(0, 1, 4),
  F16: facts(1, 1, 2),
  BF16: facts(30, 1, 2),
  F64: facts(28, 1, 8),
  I8: facts(24, 1, 1),
  I16: facts(25, 1, 2),
  I32: facts(26, 1, 4),
  I64: facts(27, 1, 8),
  Q4_0: facts(2, 32, 18),
  Q4_1: facts(3, 32, 20),
  Q5_0: facts(6, 32, 22),
  Q5_1: facts(7, 32, 24),
  Q8_0: facts(8, 32, 34),
  Q8_1: facts(9, 32, 36),
  Q2_K: facts(10, 256, 84),
  Q3_K: facts(11, 256, 110),
  Q4_K: facts(12, 256, 144),
  Q5_K: facts(13, 256, 176),
  Q6_K: facts(14, 256, 210),
  Q8_K: facts(15, 256, 292),
  IQ2_XXS: facts(16, 256, 66),
  IQ2_XS: facts(17, 256, 74),
  IQ3_XXS: facts(18, 256, 98),
  IQ1_S: facts(19, 256, 50),
  IQ4_NL: facts(20, 32, 18),
  IQ3_S: facts(21, 256, 110),
  IQ2_S: facts(22, 256, 82),
  IQ4_XS: facts(23, 256, 136),
  IQ1_M: facts(29, 256, 56),
  TQ1_0: facts(34, 256, 54),
  TQ2_0: facts(35, 256, 66),
  I2_S: facts(36, 128, 32),
  MXFP4: facts(39, 32, 17),
  NVFP4: facts(40, 64, 36),
  Q1_0: facts(41, 128, 18),
};

export const GGML_TYPE_NAMES: readonly GgmlType[] = Object.keys(GGML_TYPES) as GgmlType[];

/** Bytes after the codes of an I2_S tensor: one float32, and padding. */
const I2_S_TAIL = 32;

/** The type with this number in files, or undefined. */
export function ggmlTypeFromId(id: number): GgmlType | undefined {
  return GGML_TYPE_NAMES.find((type) => GGML_TYPES[type].id === id);
}

/**
 * Bytes of a tensor's data, or what its shape must be so that it has a size.
 * @param shape row-major: its last size is that of a row
 */
export function ggmlBytes(type: GgmlType, shape: readonly number[]): number | { readonly required: string } {
  const { elements, bytes } = GGML_TYPES[type];
  const count = countElements(shape);
  if (count === undefined || shape.length > MOST_DIMENSIONS) {
    return {
      required: `at most ${MOST_DIMENSIONS} sizes, integers of at least 0 with a product below 2^53,`,
    };
  }
  // I2_S divides the tensor as a whole, whatever its rows are.
  const divided = type === 'I2_S' ? count : (shape.at(-1) ?? 1);
  if (divided % elements !== 0) {
    const what = type === 'I2_S' ? 'elements' : 'rows';
    return { required: `${what} in multiples of ${elements} (blocks of ${type})` };
  }
  const size = (count / elements) * bytes + (type === 'I2_S' ? I2_S_TAIL : 0);
  return Number.isSafeInteger(size) ? size : { required: 'fewer than 2^53 bytes' };
}

/** A limit of ggml. */
const MOST_DIMENSIONS = 4;
