/** Model families: config.json, weights in checkpoints, generation. */
export { loadWeights, weightsOf } from './checkpoint.ts';
export { type FamilyConfig, formatModelConfig, parseBlock, parseModelConfig } from './config.ts';
export {
  type GenerateOptions,
  generate,
  generateTokens,
  type SamplingOptions,
  type TextCodec,
} from './generate.ts';
