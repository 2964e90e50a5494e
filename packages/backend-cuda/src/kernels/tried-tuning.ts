/**
 * Other launch shapes for measurements: QSPARSE_GEMV_TUNING=lanes,blocks,entries,few,ahead in place of what a kernel has;
 * an empty field leaves what it has.
 */
export function triedTuning(): {
  readonly lanes?: number;
  readonly blocks?: number;
  readonly entries?: number;
  readonly few?: boolean;
  readonly ahead?: number;
} {
  const text = process.env.QSPARSE_GEMV_TUNING;
  if (!text) return {};
  const [lanes, blocks, entries, few, ahead] = text
    .split(',')
    .map((field) => (field === '' ? undefined : Number(field)));
  return {
    ...(lanes !== undefined && { lanes }),
    ...(blocks !== undefined && { blocks }),
    ...(entries !== undefined && { entries }),
    ...(few !== undefined && { few: few === 1 }),
    ...(ahead !== undefined && { ahead }),
  };
}
