/** Q-Sparse for TypeScript: the usual things from one package. */
export { backward, capture, noGrad, scope, tensor } from '@qsparse/core';
export {
  type ChatMessage,
  createByteTokenizer,
  createChatTemplate,
  evaluationBatches,
  readDocuments,
  splitTokens,
  tokenizeDocuments,
  trainBpe,
} from '@qsparse/data';
export {
  countParameters,
  createDecoder,
  type DecoderConfig,
  initialize,
  measureSparsity,
} from '@qsparse/layers';
export {
  type GenerateOptions,
  generate,
  generateBatch,
  generateSteps,
  type Prompt,
  type TextStep,
} from '@qsparse/models';
export { type TrainOptions, type TrainStep, textBatches, train } from '@qsparse/training';
export { BACKENDS, type Backend, type DeviceName, type DeviceOptions, device } from './device.ts';
export {
  type FromPretrainedOptions,
  fromPretrained,
  type LoadedModel,
  type ModelSource,
} from './from-pretrained.ts';
export { type HubOptions, hubFiles } from './hub.ts';
export { type TrainableOptions, trainableDecoder } from './trainable-decoder.ts';
