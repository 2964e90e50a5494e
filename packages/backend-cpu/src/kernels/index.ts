/**
 * Every kernel of this backend. The tables' types name every export of core and quantizers that ends in Op: a primitive
 * without a kernel does not compile; a fused op without one runs its composite.
 */
import type * as core from '@qsparse/core';
import type * as quantizers from '@qsparse/quantizers';
import type { CpuKernel } from '../launch.ts';
import { accumulate } from './accumulate.ts';
import { adamw } from './adamw.ts';
import { argmax } from './argmax.ts';
import { attention } from './attention.ts';
import { attentionBackward } from './attention-backward.ts';
import { binary } from './binary.ts';
import { broadcast } from './broadcast.ts';
import { cast, castStraightThrough } from './cast.ts';
import { compact } from './compact.ts';
import { copy } from './copy.ts';
import { copySection } from './copy-section.ts';
import { crossEntropy } from './cross-entropy.ts';
import { crossEntropyBackward } from './cross-entropy-backward.ts';
import { embedding } from './embedding.ts';
import { embeddingBackward } from './embedding-backward.ts';
import { fill } from './fill.ts';
import { gatedActivation } from './gated-activation.ts';
import { gatedActivationBackward } from './gated-activation-backward.ts';
import { gatedSparsify } from './gated-sparsify.ts';
import { gatedSparsifyBackward } from './gated-sparsify-backward.ts';
import { globalNorm } from './global-norm.ts';
import { int8Embedding, int8Head } from './int8-table.ts';
import { kvAppend } from './kv-append.ts';
import { matmul } from './matmul.ts';
import { packTernary } from './pack-ternary.ts';
import { permute } from './permute.ts';
import { quantizeInt8 } from './quantize-int8.ts';
import { random } from './random.ts';
import { reduce } from './reduce.ts';
import { rmsNorm } from './rms-norm.ts';
import { rmsNormBackward } from './rms-norm-backward.ts';
import { rope } from './rope.ts';
import { rotaryHeads, rotaryHeadsAppend } from './rotary-heads.ts';
import { rotaryHeadsBackward } from './rotary-heads-backward.ts';
import { sample } from './sample.ts';
import { scale } from './scale.ts';
import { select } from './select.ts';
import { slice } from './slice.ts';
import { softmax } from './softmax.ts';
import { softmaxBackward } from './softmax-backward.ts';
import { sparseGemv } from './sparse-gemv.ts';
import { sparsify, sparsifyStraightThrough } from './sparsify.ts';
import { gatedSparsifyList, sparsifyList } from './sparsify-list.ts';
import { ternarize } from './ternarize.ts';
import { ternaryGemv } from './ternary-gemv.ts';
import { unary } from './unary.ts';
import { unaryBackward } from './unary-backward.ts';

export const coreKernels: core.KernelTable<typeof core, CpuKernel> = {
  accumulateOp: accumulate,
  adamwOp: adamw,
  argmaxOp: argmax,
  attentionOp: attention,
  attentionBackwardOp: attentionBackward,
  binaryOp: binary,
  broadcastOp: broadcast,
  castOp: cast,
  castStraightThroughOp: castStraightThrough,
  copyOp: copy,
  copySectionOp: copySection,
  crossEntropyOp: crossEntropy,
  crossEntropyBackwardOp: crossEntropyBackward,
  embeddingOp: embedding,
  embeddingBackwardOp: embeddingBackward,
  fillOp: fill,
  gatedActivationOp: gatedActivation,
  gatedActivationBackwardOp: gatedActivationBackward,
  globalNormOp: globalNorm,
  kvAppendOp: kvAppend,
  matmulOp: matmul,
  permuteOp: permute,
  randomOp: random,
  reduceOp: reduce,
  rmsNormOp: rmsNorm,
  rmsNormBackwardOp: rmsNormBackward,
  ropeOp: rope,
  rotaryHeadsOp: rotaryHeads,
  rotaryHeadsAppendOp: rotaryHeadsAppend,
  rotaryHeadsBackwardOp: rotaryHeadsBackward,
  sampleOp: sample,
  scaleOp: scale,
  sliceOp: slice,
  softmaxOp: softmax,
  softmaxBackwardOp: softmaxBackward,
  unaryOp: unary,
  unaryBackwardOp: unaryBackward,
};

export const quantizerKernels: core.KernelTable<typeof quantizers, CpuKernel> = {
  compactOp: compact,
  gatedSparsifyListOp: gatedSparsifyList,
  gatedSparsifyOp: gatedSparsify,
  gatedSparsifyBackwardOp: gatedSparsifyBackward,
  int8EmbeddingOp: int8Embedding,
  int8HeadOp: int8Head,
  packTernaryOp: packTernary,
  quantizeInt8Op: quantizeInt8,
  selectOp: select,
  sparseGemvOp: sparseGemv,
  sparsifyListOp: sparsifyList,
  sparsifyOp: sparsify,
  sparsifyStraightThroughOp: sparsifyStraightThrough,
  ternarizeOp: ternarize,
  ternaryGemvOp: ternaryGemv,
};

/** Found by the op object, since names are not unique. */
export const kernelsByOp: ReadonlyMap<core.AnyOp, CpuKernel> = new Map(
  [...Object.values(coreKernels), ...Object.values(quantizerKernels)].map((kernel) => [kernel.op, kernel]),
);
