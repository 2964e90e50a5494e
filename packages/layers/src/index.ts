/** Q-Sparse layers and the decoder they make. */
export { type AttentionLayer, type LayerCache, type Positions, selfAttention } from './attention.ts';
export { createCache } from './cache.ts';
export {
  checkConfig,
  DENSE,
  type DecoderConfig,
  type LinearConfig,
  type Rescale,
  type Sparsity,
  selectionOf,
} from './config.ts';
export {
  createDecoder,
  type Decoder,
  type DecoderBlock,
  type ForwardOptions,
  hiddenStates,
  type KeyValueCache,
  logits,
  lossOf,
  setSparsity,
} from './decoder.ts';
export { type GluLayer, gatedLinearUnit } from './glu.ts';
export { type Observe, project, type Site, select } from './linear.ts';
export {
  countParameters,
  decoderParams,
  initialize,
  type ParameterCount,
  siteParameters,
} from './parameters.ts';
export { firstNonFiniteSite, measureSparsity, type SparsityReport } from './sparsity.ts';
