/** A stored tensor's elements as floats, a piece at a time, so that a second copy of a large tensor is never whole. */
import { type LoadedTensor, toFloats } from '@qsparse/formats';

/** Elements of a piece: 1 MiB as float32. */
const PIECE = 2 ** 18;

type Elements = Pick<LoadedTensor, 'name' | 'dtype' | 'data'>;

/** f64 and i8 as they are, other floats as float32. Throws FormatError for other integers. */
export function eachPiece(
  { name, dtype, data }: Elements,
  use: (start: number, piece: Float32Array | Float64Array | Int8Array) => void,
): void {
  for (let start = 0; start < data.length; start += PIECE) {
    const part = data.subarray(start, start + PIECE);
    use(start, dtype === 'i8' ? (part as Int8Array) : toFloats({ name, dtype, data: part } as Elements));
  }
}
