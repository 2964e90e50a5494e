import { sizeOf, type UnaryKind, unaryOp } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid, launchFlat } from './elementwise.ts';

/** The same order as in unary-formulas.wgsl. */
export const UNARY_KINDS: Readonly<Record<UnaryKind, number>> = {
  negate: 0,
  exp: 1,
  log: 2,
  sqrt: 3,
  square: 4,
  reciprocal: 5,
  absolute: 6,
  relu: 7,
  'squared-relu': 8,
  silu: 9,
  gelu: 10,
};

export const unary: WebGpuKernel = webGpuKernel(unaryOp, ({ x }, { y }, { kind }, context) =>
  launchFlat(context, { x, y }, sizeOf(x.shape), ({ wide, parts, count }) =>
    context.launch(wide ? 'unary-vec4' : 'unary', 'unary', parts, { count }, flatGrid(context, count), {
      kind: UNARY_KINDS[kind],
    }),
  ),
);
