/** What fails on devices that take subnormal numbers for 0 wherever they compute with them. */
import type { Skip } from './suite.ts';

const REASON =
  'the input goes through another op, which makes 0 of subnormal numbers: another choice of what stays';

const MASKED = ['gatedSparsifyOp', 'sparsifyOp'].flatMap((op) =>
  ['masked gradient', 'int8, masked gradient', 'norm, masked gradient'].map(
    (kind) => `${op}: ${kind}: subnormal numbers`,
  ),
);
const LISTS = [
  ...['plain', 'norm'].flatMap((kind) =>
    ['k 3', 'k 8'].map((k) => `gatedSparsifyListOp: ${kind}: subnormal numbers, ${k}`),
  ),
  ...['k 3 block 0', 'k 1 block 4', 'k 8 block 0'].map(
    (selection) => `sparsifyListOp: norm: subnormal numbers, ${selection}`,
  ),
];

/** For `skip`, on such a device; with `only`, those of its ops. */
export const FLUSHED_SUBNORMALS: readonly Skip[] = [...MASKED, ...LISTS].map((name) => ({
  case: name,
  reason: REASON,
}));
