/** Selectors, quantizers and ternary packings: ops for the tape, and the same on plain typed arrays. */
export {
  decodeRows,
  decodeTernary,
  encodeInt4,
  encodeInt8,
  encodeTernary,
  type RowCodes,
  type TernaryCodes,
} from './encode.ts';
export { channelBytes, packChannelMajor, unpackChannelMajor } from './pack-channel-major.ts';
export { packHfBitnet, unpackHfBitnet } from './pack-hf-bitnet.ts';
export { quantizeInt8, quantizeInt8Op } from './quantize-int8.ts';
export { select, selectOp } from './select.ts';
export { keepCount, type Selection, selectMask } from './selection.ts';
export {
  type SparsifyAttrs,
  type SparsifyOptions,
  sparsify,
  sparsifyOp,
  sparsifyStraightThroughOp,
} from './sparsify.ts';
export { type SparsityStatistics, sparsityStatistics } from './statistics.ts';
export { type Ternarized, ternarize, ternarizeOp } from './ternarize.ts';
export { selectAbove, selectStatistical, type ThresholdSelection } from './threshold-selection.ts';
