import { fillOp, sizeOf, toBf16Bits } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { gridOver } from './elementwise.ts';

export const fill: CudaKernel = cudaKernel(fillOp, ({ into }, _outs, { value }, context) => {
  const args = { into: at(into), count: sizeOf(into.shape) };
  const grid = gridOver(context, into);
  if (into.dtype === 'bf16') context.launch('fill_2', { ...args, pattern: toBf16Bits(value) }, grid);
  else {
    const pattern = into.dtype === 'f32' ? bitsOf(value) : value >>> 0;
    context.launch('fill_4', { ...args, pattern }, grid);
  }
});

/** The bits of a number as float32. */
function bitsOf(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getUint32(0);
}
