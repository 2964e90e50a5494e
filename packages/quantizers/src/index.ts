/** Selectors, quantizers and ternary packings: ops for the tape, and the same on plain typed arrays. */
export { type ChannelList, type CompactAttrs, compact, compactOp } from './compact.ts';
export {
  decodeRows,
  decodeTernary,
  encodeInt4,
  encodeInt8,
  encodeTernary,
  type RowCodes,
  type TernaryCodes,
} from './encode.ts';
export { type GatedSparsifyOptions, gatedSparsify, gatedSparsifyOp } from './gated-sparsify.ts';
export { type GatedSparsifyAttrs, gatedSparsifyBackwardOp } from './gated-sparsify-backward.ts';
export { gatedSparsifyList, gatedSparsifyListOp } from './gated-sparsify-list.ts';
export {
  type Int8Table,
  int8Embedding,
  int8EmbeddingOp,
  int8Head,
  int8HeadOp,
} from './int8-table.ts';
export { channelBytes, packChannelMajor, unpackChannelMajor } from './pack-channel-major.ts';
export { packHfBitnet, unpackHfBitnet } from './pack-hf-bitnet.ts';
export { packTernary, packTernaryOp } from './pack-ternary.ts';
export { quantizeInt8, quantizeInt8Op } from './quantize-int8.ts';
export { select, selectOp } from './select.ts';
export { keepCount, type Selection, selectMask } from './selection.ts';
export { type ProductAttrs, type ProductOptions, sparseGemv, sparseGemvOp } from './sparse-gemv.ts';
export { sparsify, sparsifyOp, sparsifyStraightThroughOp } from './sparsify.ts';
export type { SparsifyAttrs, SparsifyOptions } from './sparsify-attrs.ts';
export { sparsifyList, sparsifyListOp } from './sparsify-list.ts';
export { type SparsityStatistics, sparsityStatistics } from './statistics.ts';
export {
  type TernarizeAttrs,
  type Ternarized,
  type TernarizeOptions,
  ternarize,
  ternarizeOp,
} from './ternarize.ts';
export { type TernaryWeights, ternaryGemv, ternaryGemvOp } from './ternary-gemv.ts';
export {
  selectAbove,
  selectStatistical,
  statisticalFactor,
  type ThresholdSelection,
} from './threshold-selection.ts';
