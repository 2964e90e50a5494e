import { packTernaryOp } from '@qsparse/quantizers';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';

/** Channels of a block, and outputs: the layout's own blocks. */
const CHANNELS = 32;
const OUTPUTS = 256;

export const packTernary: CudaKernel = cudaKernel(packTernaryOp, ({ w }, { y }, _attrs, context) => {
  const [outputs, inputs] = w.shape as [number, number];
  const args = { w: at(w), y: at(y), outputs, inputs };
  const grid = [Math.ceil(inputs / CHANNELS), Math.ceil(outputs / OUTPUTS)] as const;
  context.launch(w.dtype === 'f32' ? 'pack_ternary_f32' : 'pack_ternary_bf16', args, grid);
});
