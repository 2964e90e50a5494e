import { type BinaryKind, binaryOp, sizeOf } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid, launchFlat } from './elementwise.ts';

/** The same order as in binary-formulas.wgsl. */
const KINDS: Readonly<Record<BinaryKind, number>> = { add: 0, subtract: 1, multiply: 2, divide: 3 };

export const binary: WebGpuKernel = webGpuKernel(binaryOp, ({ a, b }, { y }, { kind }, context) => {
  const count = sizeOf(a.shape);
  const period = sizeOf(b.shape);
  const overrides = { kind: KINDS[kind] };
  if (period === count) {
    launchFlat(context, { a, b, y }, count, ({ wide, parts, count: here }) => {
      const args = { count: here, period: here, start: 0 };
      context.launch(
        wide ? 'binary-vec4' : 'binary',
        'binary_of',
        parts,
        args,
        flatGrid(context, here),
        overrides,
      );
    });
    return;
  }
  const wideB = period % 4 === 0 && context.isAligned(b, 16);
  launchFlat(
    context,
    { a, y },
    count,
    ({ wide, parts, count: here, first }) => {
      const unit = wide ? 4 : 1;
      const args = { count: here, period: period / unit, start: (first % period) / unit };
      const tensors = { ...parts, b };
      context.launch(
        wide ? 'binary-vec4' : 'binary',
        'binary_of',
        tensors,
        args,
        flatGrid(context, here),
        overrides,
      );
    },
    wideB,
  );
});
