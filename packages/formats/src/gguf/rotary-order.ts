// The order of rows in query and key projections. Rotary positions turn pairs of a head's dimensions: Hugging Face's pairs
// are (i, i + D/2), those of llama.cpp's Llama are neighbours, (2i, 2i + 1). Its converter moves rows so that the same
// numbers meet, and so does this; other architectures of llama.cpp (Qwen, BitNet) turn Hugging Face's pairs.
import { FormatError } from '../errors.ts';

/** Rows are elements of any of these; blocks of a quantised type move too, since a row holds whole blocks. */
export type RowArray = Float32Array | Float64Array | Uint16Array | Int8Array | Uint8Array;

/**
 * From Hugging Face's order to that of llama.cpp's Llama: row i + a D/2 of each head becomes row 2i + a.
 * @param rows the projection's weight [rows, columns], or its bias [rows]; a new array is returned
 * @param heads of this projection: of keys there are fewer where heads share them
 * @param rowCount rows in all, D for each head
 * @throws FormatError `shape` where heads of an even size do not make up the rows
 */
export function toAdjacentPairs<A extends RowArray>(rows: A, heads: number, rowCount: number): A {
  return moveRows(rows, heads, rowCount, (inHead, half) => 2 * (inHead % half) + Math.floor(inHead / half));
}

/** The inverse: row 2i + a of each head becomes row i + a D/2. */
export function toHalfPairs<A extends RowArray>(rows: A, heads: number, rowCount: number): A {
  return moveRows(rows, heads, rowCount, (inHead, half) => (inHead >> 1) + (inHead % 2) * half);
}

function moveRows<A extends RowArray>(
  rows: A,
  heads: number,
  rowCount: number,
  placeOf: (inHead: number, half: number) => number,
): A {
  const half = rowCount / heads / 2;
  const columns = rows.length / rowCount;
  if (!Number.isInteger(half) || !Number.isInteger(columns) || half < 1) {
    const problem = `${heads} heads of an even size are required, got ${rowCount} rows and ${rows.length} elements`;
    throw new FormatError('shape', `[gguf] rotary order: ${problem}; check the number of heads`);
  }
  const out = rows.slice() as A;
  for (let row = 0; row < rowCount; row++) {
    const inHead = row % (2 * half);
    const to = row - inHead + placeOf(inHead, half);
    out.set(rows.subarray(row * columns, (row + 1) * columns), to * columns);
  }
  return out;
}
