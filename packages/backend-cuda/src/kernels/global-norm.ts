import { globalNormOp, sizeOf } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';

/** The same as in global-norm.cu. */
const CHUNK = 16_384;
const DOUBLE_BYTES = 8;

export const globalNorm: CudaKernel = cudaKernel(globalNormOp, ({ x }, { norm }, _attrs, context) => {
  const count = sizeOf(x.shape);
  const chunks = Math.ceil(count / CHUNK);
  const partials = context.temporary(chunks * DOUBLE_BYTES);
  const kernel = x.dtype === 'f32' ? 'global_norm_f32' : 'global_norm_bf16';
  context.launch(kernel, { x: at(x), partials, count }, [chunks]);
  context.launch('global_norm_root', { partials, norm: at(norm), chunks }, [1]);
});
