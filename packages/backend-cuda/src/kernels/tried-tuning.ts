/**
 * Other launch shapes for measurements: QSPARSE_GEMV_TUNING=lanes,blocks,entries,ahead in place of what a kernel has;
 * an empty field leaves what it has. The ternary product has one number of lanes.
 */
export function triedTuning(): {
  readonly lanes?: number;
  readonly blocks?: number;
  readonly entries?: number;
  readonly ahead?: number;
} {
  const text = process.env.QSPARSE_GEMV_TUNING;
  if (!text) return {};
  const [lanes, blocks, entries, ahead] = text
    .split(',')
    .map((field) => (field === '' ? undefined : Number(field)));
  return {
    ...(lanes !== undefined && { lanes }),
    ...(blocks !== undefined && { blocks }),
    ...(entries !== undefined && { entries }),
    ...(ahead !== undefined && { ahead }),
  };
}
