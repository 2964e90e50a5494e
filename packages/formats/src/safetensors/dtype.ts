// Element types of safetensors files and the typed arrays that hold them. Little-endian, like the files and every
// machine that JavaScript engines of today run on.

interface DtypeArrays {
  u64: BigUint64Array<ArrayBuffer>;
  i64: BigInt64Array<ArrayBuffer>;
  f64: Float64Array<ArrayBuffer>;
  f32: Float32Array<ArrayBuffer>;
  u32: Uint32Array<ArrayBuffer>;
  i32: Int32Array<ArrayBuffer>;
  bf16: Uint16Array<ArrayBuffer>;
  f16: Uint16Array<ArrayBuffer>;
  u16: Uint16Array<ArrayBuffer>;
  i16: Int16Array<ArrayBuffer>;
  i8: Int8Array<ArrayBuffer>;
  u8: Uint8Array<ArrayBuffer>;
  bool: Uint8Array<ArrayBuffer>;
}

/** Names as they are used here; files have them in upper case (`BF16`). */
export type Dtype = keyof DtypeArrays;

/** The typed array that holds a dtype: `bf16` and `f16` as their 16 bits, `bool` as 0 and 1. */
export type DtypeArray<D extends Dtype = Dtype> = DtypeArrays[D];

interface DtypeFacts<D extends Dtype> {
  /** The name in files. */
  readonly code: string;
  readonly bytes: 1 | 2 | 4 | 8;
  readonly array: new (buffer: ArrayBuffer, byteOffset: number, length: number) => DtypeArrays[D];
}

/** In the order in which tensors stand in a file: wide elements first, so that all are aligned. */
export const DTYPES: { readonly [D in Dtype]: DtypeFacts<D> } = {
  u64: { code: 'U64', bytes: 8, array: BigUint64Array },
  i64: { code: 'I64', bytes: 8, array: BigInt64Array },
  f64: { code: 'F64', bytes: 8, array: Float64Array },
  f32: { code: 'F32', bytes: 4, array: Float32Array },
  u32: { code: 'U32', bytes: 4, array: Uint32Array },
  i32: { code: 'I32', bytes: 4, array: Int32Array },
  bf16: { code: 'BF16', bytes: 2, array: Uint16Array },
  f16: { code: 'F16', bytes: 2, array: Uint16Array },
  u16: { code: 'U16', bytes: 2, array: Uint16Array },
  i16: { code: 'I16', bytes: 2, array: Int16Array },
  i8: { code: 'I8', bytes: 1, array: Int8Array },
  u8: { code: 'U8', bytes: 1, array: Uint8Array },
  bool: { code: 'BOOL', bytes: 1, array: Uint8Array },
};

export const DTYPE_NAMES: readonly Dtype[] = Object.keys(DTYPES) as Dtype[];

/** The dtype with this name in files (`BF16`), or undefined. */
export function dtypeFromCode(code: unknown): Dtype | undefined {
  return DTYPE_NAMES.find((dtype) => DTYPES[dtype].code === code);
}

/**
 * Number of elements of a shape ([] has one), or undefined unless every size is an integer of at least 0 and every
 * partial product is exact.
 */
export function countElements(shape: readonly unknown[]): number | undefined {
  let count = 1;
  for (const size of shape) {
    if (!isCount(size)) return undefined;
    count *= size;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

/** An integer from 0 up to 2^53 - 1. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0);
}

/** Bytes of a file as the dtype's typed array: the same memory where it is aligned, otherwise a copy. */
export function viewAs<D extends Dtype>(dtype: D, bytes: Uint8Array): DtypeArray<D> {
  const { bytes: width, array } = DTYPES[dtype];
  const usable = bytes.buffer instanceof ArrayBuffer && bytes.byteOffset % width === 0;
  const aligned = usable ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
  return new array(aligned.buffer, aligned.byteOffset, aligned.byteLength / width);
}
