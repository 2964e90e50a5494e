// GGUF, the file format of llama.cpp: bytes to metadata and tensors and back, and what llama.cpp expects of a model of
// the Llama family. An entry of its own, so that those who read safetensors do not load it.
export {
  float32ToGguf,
  type GgufTensor,
  ggufToFloat32,
  ggufToTernary,
  READABLE_TYPES,
  type TernaryTensor,
  WRITABLE_TYPES,
  type WritableType,
} from './convert.ts';
export { type GgufTensorOptions, ggufTensors, ggufTensorType } from './export-tensors.ts';
export { GGML_TYPE_NAMES, type GgmlType } from './ggml-types.ts';
export type { GgufHeader, GgufTensorInfo } from './header.ts';
export { type HuggingFaceStoreOptions, huggingFaceStore } from './hugging-face-store.ts';
export {
  FILE_TYPES,
  type GgufArchitecture,
  type GgufRopeScaling,
  type LlamaModel,
  llamaMetadata,
  parseLlamaMetadata,
} from './llama-metadata.ts';
export { type GgufStore, openGguf } from './read.ts';
export {
  type Llama3Scaling,
  llama3RopeFactors,
  llama3ScalingOf,
  ROPE_FACTORS,
  type RotaryShape,
} from './rope-factors.ts';
export { type RowArray, toAdjacentPairs, toHalfPairs } from './rotary-order.ts';
export { ggufTensorName, huggingFaceTensorName } from './tensor-names.ts';
export { type GgufTokenizerOptions, ggufTokenizer, tokenizerJsonFromGguf } from './tokenizer-json.ts';
export {
  type GgufByteLevel,
  type GgufSentencePiece,
  type GgufTokenizer,
  parseTokenizerMetadata,
  TOKEN_TYPES,
  tokenizerMetadata,
} from './tokenizer-metadata.ts';
export type {
  GgufArray,
  GgufBigType,
  GgufNumberType,
  GgufPackedType,
  GgufValue,
  GgufValueType,
} from './values.ts';
export {
  type GgufData,
  type GgufMetadata,
  type GgufTensorToWrite,
  type GgufWriteOptions,
  writeGguf,
} from './write.ts';
