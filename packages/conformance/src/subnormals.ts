/** What fails on devices that take subnormal numbers for 0 wherever they compute with them. */
import type { Skip } from './suite.ts';

const REASON =
  'the input goes through another op, which makes 0 of subnormal numbers: another choice of what stays';

/** For `skip`, on such a device; with `only`, those of its ops. */
export const FLUSHED_SUBNORMALS: readonly Skip[] = ['gatedSparsifyOp', 'sparsifyOp'].flatMap((op) =>
  ['masked gradient', 'int8, masked gradient', 'norm, masked gradient'].map((kind) => ({
    case: `${op}: ${kind}: subnormal numbers`,
    reason: REASON,
  })),
);
