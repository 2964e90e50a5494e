/** Model families: config.json, weights in checkpoints, generation. */
export { checkWeights, loadWeights, weightsOf } from './checkpoint.ts';
export { type FamilyConfig, formatModelConfig, parseBlock, parseModelConfig } from './config.ts';
export { type GenerateOptions, generate, generateTokens, type TextCodec } from './generate.ts';
export type { SamplingOptions } from './sampling.ts';
