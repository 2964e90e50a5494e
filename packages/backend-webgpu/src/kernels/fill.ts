import { type DType, fillOp, sizeOf, toBf16Bits } from '@qsparse/core';
import { type WebGpuKernel, webGpuKernel } from '../launch.ts';
import { flatGrid } from './elementwise.ts';
import { elementBytes, wordsAt } from './movement.ts';

const ALL = 0xffff_ffff;
/** A word whose upper half alone is meant, and one whose lower half is. */
const UPPER = 0xffff_0000;
const LOWER = 0x0000_ffff;

export const fill: WebGpuKernel = webGpuKernel(fillOp, ({ into }, _outs, { value }, context) => {
  const pattern = patternOf(into.dtype, value);
  for (const part of context.sections(into, 4)) {
    const end = part.offset + sizeOf(part.shape) * elementBytes(part);
    const first = Math.floor(part.offset / 4) * 4;
    const words = wordsAt(part, first, Math.ceil(end / 4) * 4 - first);
    const count = words.shape[0]!;
    if (part.offset % 16 === 0 && end % 16 === 0) {
      context.launch(
        'fill-vec4',
        'fill',
        { into: words },
        { count: count / 4, pattern },
        flatGrid(context, count / 4),
      );
      continue;
    }
    const masks = {
      firstMask: part.offset % 4 === 0 ? ALL : UPPER,
      lastMask: end % 4 === 0 ? ALL : LOWER,
    };
    context.launch('fill', 'fill', { into: words }, { count, pattern, ...masks }, flatGrid(context, count));
  }
});

/** The word of one or two elements. */
function patternOf(dtype: DType, value: number): number {
  if (dtype === 'bf16') return (toBf16Bits(value) * 0x1_0001) >>> 0;
  if (dtype === 'i32') return value >>> 0;
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getUint32(0);
}
