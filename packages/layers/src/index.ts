/** Q-Sparse layers and the decoder they make. */
export {
  type AttentionLayer,
  type HeadNorms,
  type KeyValueCache,
  type LayerCache,
  selfAttention,
} from './attention.ts';
export { createCache } from './cache.ts';
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
export { type GluLayer, gatedLinearUnit } from './glu.ts';
export {
  type Observe,
  type ProjectOptions,
  project,
  type Site,
  selectGated,
  selectInputs,
} from './linear.ts';
export {
  countParameters,
  decoderParams,
  initialize,
  type ParameterCount,
  siteParameters,
} from './parameters.ts';
export { firstNonFinite, measureSparsity, type SparsityReport } from './sparsity.ts';
