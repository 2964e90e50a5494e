import { fillOp, sizeOf, toBf16Bits } from '@qsparse/core';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

export const fill: CpuKernel = cpuKernel(fillOp, ({ into }, _outs, { value }) => {
  const [out, count] = [at(into), sizeOf(into.shape)];
  if (into.dtype === 'f32') return [call('fill', { out, count, value }, count)];
  const [elementBytes, pattern] = into.dtype === 'bf16' ? [2, toBf16Bits(value)] : [4, value];
  return [call('fill_bits', { out, count, elementBytes, pattern }, count)];
});
