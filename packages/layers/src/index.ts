/** Q-Sparse layers and the decoder they make. */
export {
  type AttentionLayer,
  type AttentionOptions,
  type HeadNorms,
  type KeyValueCache,
  type LayerCache,
  selfAttention,
} from './attention.ts';
export { type CacheOptions, createCache } from './cache.ts';
export {
  checkConfig,
  DENSE,
  type DecoderConfig,
  type LinearConfig,
  type Rescale,
  SITES,
  type SiteName,
  type Sparsity,
  selectionOf,
  shareLeftOut,
  siteWidths,
  sparsityAt,
} from './config.ts';
export {
  type ComputeDType,
  createDecoder,
  type Decoder,
  type DecoderBlock,
  type DecoderOptions,
  decoderSteps,
  embedTokens,
  type ForwardOptions,
  finalStates,
  headLogits,
  hiddenStates,
  logits,
  lossOf,
  setSparsity,
} from './decoder.ts';
export { type GluLayer, type GluOptions, gatedLinearUnit } from './glu.ts';
export {
  type Observe,
  type ProjectOptions,
  project,
  type Site,
  selectGated,
  selectInputs,
} from './linear.ts';
export {
  LORA_TARGETS,
  type LoraOptions,
  type LoraTarget,
  type LowRankSection,
  type LowRankUpdate,
  loraParams,
  withLora,
} from './low-rank.ts';
export {
  type MatrixName,
  type MatrixShape,
  MOST_ROWS as MOST_PACKED_ROWS,
  type PackOptions,
  packDecoder,
  packsFaster,
} from './pack-decoder.ts';
export type { Int8Rows } from './pack-vocabulary.ts';
export type { PackedBlock, PackedDecoder, PackedLinear, PackedVocabulary } from './packed.ts';
export {
  createPackedDecoder,
  type PackedOnlyOptions,
  type PackedSource,
  type PackedWeights,
} from './packed-only.ts';
export {
  countParameters,
  decoderParams,
  initialize,
  isLinearWeight,
  type ParameterCount,
  siteParameters,
} from './parameters.ts';
export { sequenceLosses } from './sequence-losses.ts';
export { firstNonFinite, measureSparsity, type SparsityReport } from './sparsity.ts';
