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
export { byteLength, DTYPES, type DType, fromBf16Bits, type HostArray, toBf16Bits } from './dtype.ts';
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
export type { AnyOp, Inputs, Op, Pull, Vjp } from './op.ts';
export { accumulate, accumulateOp } from './ops/accumulate.ts';
export { copy, copyInto, copyOp } from './ops/copy.ts';
export { fillOp, fillWith, full, zeros } from './ops/fill.ts';
export { type MatmulAttrs, type MatmulSizes, matmul, matmulOp, matmulSizes } from './ops/matmul.ts';
export { Param, type ParamArena, type ParamSpec, paramArena } from './param.ts';
export { normal, philox, randomWord, seedKey, uniform, wordToUniform } from './philox.ts';
export { type Heap, Pool, type PoolRecording } from './pool.ts';
export { hasKernel, run } from './run.ts';
export { keep, scope } from './scope.ts';
export { asRows, isSuffix, requireShape, type Shape, sameShape, showShape, sizeOf } from './shape.ts';
export { alias, asView, empty, reshape, rows, section, Tensor, tensor, write } from './tensor.ts';
