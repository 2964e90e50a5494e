/** What movement.cuh copies at a time. */
export type Unit = 1 | 2 | 4 | 8 | 16;

/** The widest unit, in bytes, that every given address and size is a multiple of. */
export function widestUnit(...numbers: readonly number[]): Unit {
  for (const unit of [16, 8, 4, 2] as const) if (numbers.every((number) => number % unit === 0)) return unit;
  return 1;
}
