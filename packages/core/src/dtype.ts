/**
 * Number formats: one row a dtype. `ternary` packs four 2-bit codes (value + 1, lowest bits first) into a byte
 * and is storage only: no differentiable tensor has it.
 */
export type DType = 'f32' | 'bf16' | 'i32' | 'i8' | 'ternary';

/** Host arrays that tensors are written from and read into. */
export type HostArray = Float32Array | Float64Array | Int32Array | Int8Array | Uint16Array | Uint8Array;

interface DTypeRow {
  /** Bits of one element. */
  readonly bits: number;
  /** The host array that holds the raw elements (bf16: bit patterns; ternary: bytes of four codes). */
  readonly host: { new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): HostArray };
  readonly float: boolean;
}

export const DTYPES: Readonly<Record<DType, DTypeRow>> = {
  f32: { bits: 32, host: Float32Array, float: true },
  bf16: { bits: 16, host: Uint16Array, float: true },
  i32: { bits: 32, host: Int32Array, float: false },
  i8: { bits: 8, host: Int8Array, float: false },
  ternary: { bits: 2, host: Uint8Array, float: false },
};

/** Bytes that `elements` elements of `dtype` take, whole bytes. */
export function byteLength(dtype: DType, elements: number): number {
  return Math.ceil((elements * DTYPES[dtype].bits) / 8);
}

const scratch = new DataView(new ArrayBuffer(4));

/** Rounds to the nearest bf16, ties to even, and gives its 16 bits. NaN stays a NaN. */
export function toBf16Bits(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

export function fromBf16Bits(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}

/** Rounds, in place, to what memory of `dtype` holds: bf16 to the nearest, ties to even; every other stays. */
export function roundTo(dtype: DType, elements: Float64Array): void {
  if (dtype !== 'bf16') return;
  for (let i = 0; i < elements.length; i++) elements[i] = fromBf16Bits(toBf16Bits(elements[i]!));
}
