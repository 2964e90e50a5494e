/** Rounding and clamping that every quantizer here shares, so that host functions and ops give the same integers. */

/** Smallest magnitude statistic that is divided by: an all-zero row or matrix then quantises to zeros. */
export const SMALLEST_SCALE = 1e-5;

/** 1.5 · 2^52: float64 numbers of this size are whole, so that adding it rounds, ties to even. */
const WHOLE = 6755399441055744;

/** The nearest whole number, ties to the even one. Finite numbers only. */
export function roundHalfEven(value: number): number {
  return Math.abs(value) < 2 ** 51 ? value + WHOLE - WHOLE : value;
}

/** `roundHalfEven`, kept within [lowest, highest]. */
export function roundWithin(value: number, lowest: number, highest: number): number {
  return Math.min(Math.max(roundHalfEven(value), lowest), highest);
}
