/** The tensor core: what every other package stands on. */
export { noGrad } from './ambient.ts';
export { backward } from './backward.ts';
export { type Captured, capture } from './capture.ts';
export type {
  Capabilities,
  Device,
  Kernel,
  MemoryReport,
  Program,
  Recording,
  Type,
  View,
  Views,
} from './device.ts';
export {
  byteLength,
  DTYPES,
  type DType,
  fromBf16Bits,
  type HostArray,
  roundTo,
  toBf16Bits,
} from './dtype.ts';
export {
  CaptureError,
  DeviceError,
  DisposedError,
  DTypeError,
  type ErrorCode,
  NoKernelError,
  NonFiniteError,
  OutOfMemoryError,
  QSparseError,
  ShapeError,
  TapeError,
  ValueError,
} from './errors.ts';
export type { KernelTable } from './kernel-table.ts';
export type { AnyOp, FusedOp, Inputs, Op, Pull, Vjp } from './op.ts';
export { accumulate, accumulateOp } from './ops/accumulate.ts';
export { type AdamwAttrs, type AdamwHyper, adamw, adamwHyper, adamwOp } from './ops/adamw.ts';
export { argmax, argmaxOp } from './ops/argmax.ts';
export { attention, attentionOp } from './ops/attention.ts';
export { attentionBackwardOp } from './ops/attention-backward.ts';
export { type AttentionAttrs, type AttentionSizes, attentionSizes } from './ops/attention-sizes.ts';
export { add, type BinaryKind, binaryOp, divide, multiply, subtract } from './ops/binary.ts';
export { cast, castOp, castStraightThrough, castStraightThroughOp } from './ops/cast.ts';
export { concat, concatOp } from './ops/concat.ts';
export { copy, copyInto, copyOp } from './ops/copy.ts';
export { type CopySectionAttrs, copySection, copySectionOp } from './ops/copy-section.ts';
export { crossEntropy, crossEntropyOp } from './ops/cross-entropy.ts';
export { crossEntropyBackwardOp } from './ops/cross-entropy-backward.ts';
export { embedding, embeddingOp } from './ops/embedding.ts';
export { embeddingBackwardOp } from './ops/embedding-backward.ts';
export { fillOp, fillWith, full, zeros } from './ops/fill.ts';
export { gatedActivation, gatedActivationOp } from './ops/gated-activation.ts';
export {
  type GatedActivationAttrs,
  gatedActivationBackwardOp,
  requireGated,
} from './ops/gated-activation-backward.ts';
export { globalNorm, globalNormOp } from './ops/global-norm.ts';
export { kvAppend, kvAppendOp } from './ops/kv-append.ts';
export {
  type MatmulAttrs,
  type MatmulOptions,
  type MatmulSizes,
  matmul,
  matmulOp,
  matmulSizes,
} from './ops/matmul.ts';
export { type PermuteAttrs, permute, permuteOp } from './ops/permute.ts';
export { fillRandom, normalFactor, type RandomAttrs, randomOp, randomState } from './ops/random.ts';
export {
  type BroadcastAttrs,
  broadcast,
  broadcastOp,
  max,
  mean,
  type ReduceAttrs,
  type ReduceOver,
  reduceOp,
  sum,
} from './ops/reduce.ts';
export {
  onlyGradient,
  positionStep,
  requireDType,
  requireF32Or,
  requireFloat,
  requireRank,
  requireSameShape,
} from './ops/require.ts';
export { type RmsNormAttrs, rmsNorm, rmsNormOp } from './ops/rms-norm.ts';
export { rmsNormBackwardOp } from './ops/rms-norm-backward.ts';
export { type RopeAttrs, rope, ropeOp } from './ops/rope.ts';
export { type RotaryHeads, type RotaryHeadsAttrs, rotaryHeads, rotaryHeadsOp } from './ops/rotary-heads.ts';
export {
  type HeadCache,
  rotaryHeadsAppend,
  rotaryHeadsAppendOp,
} from './ops/rotary-heads-append.ts';
export { rotaryHeadsBackwardOp } from './ops/rotary-heads-backward.ts';
export { type SampleAttrs, sample, sampleOp } from './ops/sample.ts';
export { scale, scaleOp } from './ops/scale.ts';
export { type SliceAttrs, slice, sliceOp } from './ops/slice.ts';
export { type SoftmaxAttrs, softmax, softmaxOp } from './ops/softmax.ts';
export { softmaxBackward, softmaxBackwardOp } from './ops/softmax-backward.ts';
export {
  absolute,
  exp,
  gelu,
  log,
  negate,
  reciprocal,
  relu,
  silu,
  sqrt,
  square,
  squaredRelu,
  type UnaryKind,
  unaryOp,
} from './ops/unary.ts';
export { unaryBackward, unaryBackwardOp } from './ops/unary-backward.ts';
export { joined, Param, type ParamArena, type ParamSpec, paramArena } from './param.ts';
export { createPauses } from './pause.ts';
export { normal, philox, randomWord, seedKey, uniform, wordToUniform } from './philox.ts';
export { type Heap, Pool, type PoolRecording } from './pool.ts';
export { recompute } from './recompute.ts';
export {
  type RopeScaling,
  type RopeTableOptions,
  ropeAttentionFactor,
  ropeFrequencies,
  ropeTable,
} from './rope-table.ts';
export { hasKernel, run } from './run.ts';
export { keep, scope } from './scope.ts';
export {
  aroundAxis,
  asRows,
  isSuffix,
  requireShape,
  type Shape,
  sameShape,
  showShape,
  sizeOf,
} from './shape.ts';
export { alias, asView, empty, reshape, rows, section, Tensor, tensor, write } from './tensor.ts';
