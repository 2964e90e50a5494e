/** Model families: config.json, weights in checkpoints, generation. */
export {
  type CheckpointOptions,
  checkWeights,
  type LoadOptions,
  type LoadProgress,
  loadWeights,
  weightsOf,
} from './checkpoint.ts';
export { type FamilyConfig, parseModelConfig } from './config.ts';
export { type Conversion, type ConvertOptions, convertedDecoder } from './convert.ts';
export {
  createEngine,
  type Engine,
  type EngineOptions,
  type EngineRequest,
  type EngineStats,
  QueueFullError,
} from './engine.ts';
export type { Family } from './families/family.ts';
export {
  type HuggingFaceForm,
  type HuggingFaceFormOptions,
  huggingFaceForm,
} from './families/hugging-face-form.ts';
export { FAMILIES } from './families/index.ts';
export { formatModelConfig, type ModelConfigOptions, parseBlock, type TextEnds } from './families/qsparse.ts';
export {
  type BatchStep,
  generate,
  generateBatch,
  generateSteps,
  generateTokens,
} from './generate.ts';
export type { GenerateOptions } from './generate-options.ts';
export { type GgufForm, ggufForm } from './gguf-form.ts';
export { type GgufModelFile, loadGgufModel, openGgufModel } from './gguf-model.ts';
export { type Llama2c, openLlama2c } from './llama2c.ts';
export { llama2cTokenizer } from './llama2c-tokenizer.ts';
export type { GeneratedToken, TokenLogprob } from './logprobs.ts';
export {
  chosenFiles,
  directoryFiles,
  type ModelFiles,
  openWeights,
  readModelFile,
  readOptionalFile,
  urlFiles,
} from './model-files.ts';
export { packedDecodeTensors, requirePackable } from './packed-decode.ts';
export { PACKED_DECODE } from './packed-format.ts';
export {
  loadPretrained,
  type PretrainedModel,
  type PretrainedOptions,
  readModelConfig,
  withContext,
} from './pretrained.ts';
export type { SamplingOptions } from './sampling.ts';
export { type ScoreOptions, scorePrompt } from './score-prompt.ts';
export { type StoredWeightsOptions, storedWeights, type WeightForm } from './stored-weights.ts';
export type { TernaryScale } from './ternary-config.ts';
export type { EndReason, Prompt, TextCodec, TextStep } from './text-writer.ts';
