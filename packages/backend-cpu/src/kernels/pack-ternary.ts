import { packTernaryOp } from '@qsparse/quantizers';
import { at, type CpuKernel, call, cpuKernel } from '../launch.ts';

export const packTernary: CpuKernel = cpuKernel(packTernaryOp, ({ w }, { y }) => {
  const [outputs, inputs] = w.shape as [number, number];
  const isFloat = w.dtype === 'f32';
  const args = { floats: isFloat ? at(w) : 0, halves: isFloat ? 0 : at(w), y: at(y), outputs, inputs };
  return [call('pack_ternary', args, outputs * inputs)];
});
