// Random tensors of every dtype, for round trips.
import { DTYPE_NAMES, type Dtype, type TensorArray, type TensorToWrite } from '@qsparse/formats';
import fc from 'fast-check';

const ARRAYS: Record<Dtype, new (buffer: ArrayBuffer) => TensorArray> = {
  u64: BigUint64Array,
  i64: BigInt64Array,
  f64: Float64Array,
  f32: Float32Array,
  u32: Uint32Array,
  i32: Int32Array,
  bf16: Uint16Array,
  f16: Uint16Array,
  u16: Uint16Array,
  i16: Int16Array,
  i8: Int8Array,
  u8: Uint8Array,
  bool: Uint8Array,
};

export interface EagerTensor extends TensorToWrite {
  readonly data: TensorArray;
}

/** Any bits, NaN payloads included; shapes of rank 0 to 3 with empty dimensions. */
const tensor: fc.Arbitrary<EagerTensor> = fc
  .record({
    name: fc.string({ unit: 'grapheme', maxLength: 8 }),
    dtype: fc.constantFrom(...DTYPE_NAMES),
    shape: fc.array(fc.nat(4), { maxLength: 3 }),
    seed: fc.integer(),
  })
  .map(({ name, dtype, shape, seed }) => {
    const count = shape.reduce((product, size) => product * size, 1);
    const bytes = new Uint8Array(count * new ARRAYS[dtype](new ArrayBuffer(0)).BYTES_PER_ELEMENT);
    for (let i = 0; i < bytes.length; i++) bytes[i] = Math.imul(seed + i, 2654435761) >>> 24;
    return { name, dtype, shape, data: new ARRAYS[dtype](bytes.buffer) };
  });

/** Tensors with different names. */
export const tensorSet: fc.Arbitrary<EagerTensor[]> = fc.uniqueArray(tensor, {
  maxLength: 8,
  selector: ({ name }) => name,
});

/** Text entries for headers. */
export const metadata: fc.Arbitrary<Record<string, string>> = fc.dictionary(
  fc.string({ unit: 'grapheme', maxLength: 5 }),
  fc.string({ unit: 'grapheme', maxLength: 5 }),
  { maxKeys: 3 },
);

/** Bytes of a typed array, for comparisons that see NaN payloads. */
export function rawBytes(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength).slice();
}
