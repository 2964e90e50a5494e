/** Kernels of the model ops, the optimizer and the quantizers. */
import type { CpuKernel } from '../launch.ts';
import { accumulate } from './accumulate.ts';
import { adamw } from './adamw.ts';
import { attention } from './attention.ts';
import { attentionBackward } from './attention-backward.ts';
import { copy } from './copy.ts';
import { crossEntropy } from './cross-entropy.ts';
import { crossEntropyBackward } from './cross-entropy-backward.ts';
import { embedding } from './embedding.ts';
import { embeddingBackward } from './embedding-backward.ts';
import { gatedActivation } from './gated-activation.ts';
import { gatedActivationBackward } from './gated-activation-backward.ts';
import { globalNorm } from './global-norm.ts';
import { kvAppend } from './kv-append.ts';
import { quantizeInt8 } from './quantize-int8.ts';
import { rmsNorm } from './rms-norm.ts';
import { rmsNormBackward } from './rms-norm-backward.ts';
import { rope } from './rope.ts';
import { select } from './select.ts';
import { sparsify, sparsifyStraightThrough } from './sparsify.ts';
import { ternarize } from './ternarize.ts';

export const modelKernels: readonly CpuKernel[] = [
  accumulate,
  adamw,
  attention,
  attentionBackward,
  copy,
  crossEntropy,
  crossEntropyBackward,
  embedding,
  embeddingBackward,
  gatedActivation,
  gatedActivationBackward,
  globalNorm,
  kvAppend,
  quantizeInt8,
  rmsNorm,
  rmsNormBackward,
  rope,
  select,
  sparsify,
  sparsifyStraightThrough,
  ternarize,
];
